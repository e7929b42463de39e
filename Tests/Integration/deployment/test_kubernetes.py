"""The Kubernetes manifests. No cluster takes them here: they are checked against Kubernetes' own schemas."""

import kubernetes_validate
import pytest
import yaml

from support.deployment import PORT, admin_address

OLDEST, NEWEST = "1.29", "1.32"


@pytest.fixture(scope="module")
def manifests(root):
    files = sorted((root / "deploy/kubernetes").glob("*.yaml"))
    return {manifest["kind"]: manifest for file in files for manifest in yaml.safe_load_all(file.read_text())}


@pytest.fixture(scope="module")
def deployment(manifests):
    return manifests["Deployment"]["spec"]


@pytest.fixture(scope="module")
def pod(deployment):
    return deployment["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod):
    assert len(pod["containers"]) == 1
    return pod["containers"][0]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_key(version, manifests):
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_one_pod_has_the_database(deployment, pod, container, manifests):
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    claims = {volume["name"]: volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]}
    kept = [mount["mountPath"] for mount in container["volumeMounts"] if claims[mount["name"]]]
    assert manifests["PersistentVolumeClaim"]["metadata"]["name"] in claims.values()
    database = next(variable["value"] for variable in container["env"] if variable["name"] == "PRIZE_DATABASE")
    assert database.removeprefix("sqlite:").rsplit("/", 1)[0] in kept


def test_a_stop_has_its_time(pod, shutdown_deadline):
    assert pod["terminationGracePeriodSeconds"] > shutdown_deadline


def test_it_can_do_little(pod, container):
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert not pod["automountServiceAccountToken"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_its_memory_is_limited_and_its_share_known(container):
    resources = container["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys() and "memory" in resources["limits"]


def test_the_probes_ask_where_the_worker_answers(deployment, container):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {ports[probe["port"]] for probe in probes.values()} == {PORT}
    assert admin_address(container["args"]) == ("0.0.0.0", PORT)
    assert deployment["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(PORT)
    # A queue that is down is no reason to start the worker again.
    assert probes["liveness"]["path"] == probes["startup"]["path"] == "/health/live"
    assert probes["readiness"]["path"] == "/health/ready"


def test_it_is_the_account_that_the_role_trusts(pod, manifests):
    account = manifests["ServiceAccount"]["metadata"]
    assert pod["serviceAccountName"] == account["name"]
    assert "eks.amazonaws.com/role-arn" in account["annotations"]


def test_it_scales_what_there_is_and_no_further_than_the_database_allows(root, manifests):
    text = (root / "deploy/kubernetes/keda/scaledobject.yaml").read_text()
    scaled = next(part for part in yaml.safe_load_all(text) if part["kind"] == "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == manifests["Deployment"]["metadata"]["name"]
    assert scaled["maxReplicaCount"] == 1
    assert scaled["triggers"][0]["metadata"]["queueURL"] == manifests["ConfigMap"]["data"]["AWS_SQS_QUEUE_URL"]
