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


@pytest.fixture(scope="module")
def with_postgres(root):
    folder = root / "deploy/kubernetes/postgres"
    return {manifest["kind"]: manifest for file in folder.glob("*.yaml") for manifest in yaml.safe_load_all(file.read_text())}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_key_of_those_with_postgres(version, with_postgres):
    assert with_postgres.keys() == {"Deployment", "PodDisruptionBudget", "Secret"}
    for manifest in with_postgres.values():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_an_update_with_postgres_leaves_no_gap(with_postgres):
    deployment = with_postgres["Deployment"]["spec"]
    assert deployment["replicas"] >= 2
    assert deployment["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    budget = with_postgres["PodDisruptionBudget"]["spec"]
    assert budget["minAvailable"] < deployment["replicas"]
    assert budget["selector"] == deployment["selector"]
    assert budget["selector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items()


def test_pods_with_postgres_are_in_different_zones_where_there_are_some(with_postgres):
    template = with_postgres["Deployment"]["spec"]["template"]
    [spread] = template["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["maxSkew"]) == ("topology.kubernetes.io/zone", 1)
    # A cluster of one zone takes them as well.
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    labels = spread["labelSelector"]["matchLabels"]
    assert labels and labels.items() <= template["metadata"]["labels"].items()


def test_the_pod_with_postgres_is_the_other_one_without_a_volume(with_postgres, deployment, pod, container):
    """What was checked of one holds for both."""
    shared = with_postgres["Deployment"]["spec"]["template"]["spec"]
    own = {"topologySpreadConstraints", "volumes", "containers", "securityContext"}
    assert {key: pod[key] for key in pod.keys() - own} == {key: shared[key] for key in shared.keys() - own}
    # Of the volume.
    assert pod["securityContext"] == {**shared["securityContext"], "fsGroup": pod["securityContext"]["fsGroup"]}
    [other] = shared["containers"]
    ours = {name: value for name, value in container.items() if name not in ("env", "volumeMounts")}
    assert {name: other[name] for name in ours} == ours
    assert [mount["name"] for mount in other["volumeMounts"]] == [volume["name"] for volume in shared["volumes"]] == ["tmp"]
    [variable] = other["env"]
    secret = variable["valueFrom"]["secretKeyRef"]
    manifest = with_postgres["Secret"]
    assert secret["name"] == manifest["metadata"]["name"] and secret["key"] == variable["name"] == "PRIZE_DATABASE"
    assert manifest["stringData"]["PRIZE_DATABASE"].startswith("postgres://")


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


def scaled_object(file):
    parts = {part["kind"]: part for part in yaml.safe_load_all(file.read_text())}
    return parts.get("TriggerAuthentication"), parts["ScaledObject"]["spec"]


def check_trigger(scaled, manifests, authentication):
    assert scaled["scaleTargetRef"]["name"] == manifests["Deployment"]["metadata"]["name"]
    [trigger] = scaled["triggers"]
    assert trigger["type"] == "aws-sqs-queue"
    assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
    assert trigger["metadata"]["queueURL"] == manifests["ConfigMap"]["data"]["AWS_SQS_QUEUE_URL"]
    assert trigger["metadata"]["awsRegion"] == trigger["metadata"]["queueURL"].split(".")[1]
    # Or a pod would be taken away from its work.
    assert trigger["metadata"]["scaleOnInFlight"] == "true"
    # KEDA takes texts only.
    assert int(trigger["metadata"]["queueLength"]) > 0 and isinstance(trigger["metadata"]["queueLength"], str)


def test_it_scales_what_there_is_and_no_further_than_the_database_allows(root, manifests):
    authentication, scaled = scaled_object(root / "deploy/kubernetes/keda/scaledobject.yaml")
    check_trigger(scaled, manifests, authentication)
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (0, 1)


def test_with_postgres_it_scales_from_one_pod_to_several(root, manifests, with_postgres):
    authentication, _ = scaled_object(root / "deploy/kubernetes/keda/scaledobject.yaml")
    _, scaled = scaled_object(root / "deploy/kubernetes/postgres/keda/scaledobject.yaml")
    check_trigger(scaled, {**manifests, **with_postgres}, authentication)
    assert scaled["minReplicaCount"] == 1 and scaled["maxReplicaCount"] > 1
