"""The Dockerfile and compose.yaml. There is no Docker where these run: the image is not built, its parts are looked at."""

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from support.deployment import PORT, admin_address, seconds
from support.sqs import ENVIRONMENT, client


@pytest.fixture(scope="module")
def stages(root):
    """The instructions of each stage: their names and values."""
    stages = []
    for step in DockerfileParser(path=str(root / "Dockerfile")).structure:
        if step["instruction"] == "FROM":
            stages.append([])
        if step["instruction"] != "COMMENT":
            stages[-1].append((step["instruction"], step["value"]))
    return stages


@pytest.fixture(scope="module")
def image(stages):
    """The last stage, where the last of each instruction counts."""
    return dict(stages[-1])


@pytest.fixture
def compose(root):
    return yaml.safe_load((root / "compose.yaml").read_text())


def test_the_image_is_slim_and_not_root(stages, image):
    assert len(stages) == 2 and "slim" in image["FROM"]
    # A number that is not 0: Kubernetes' runAsNonRoot cannot look a name up.
    assert int(image["USER"]) > 0
    assert f"useradd --system --uid {image['USER']} " in image["RUN"]


def test_its_libraries_are_those_that_the_binary_links(image, binary):
    for tool in ("dpkg-query", "ldd", "objdump"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool} here, to tell which package a library is from")
    headers = subprocess.run(["objdump", "-p", binary], capture_output=True, text=True, check=True).stdout
    needed = [line.split()[1] for line in headers.splitlines() if "NEEDED" in line]
    paths = dict(
        (line.split()[0], line.split()[2])
        for line in subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout.splitlines()
        if "=>" in line
    )
    packages = set()
    for library in needed:
        # Swift's own are linked statically into the image's binary.
        owner = subprocess.run(
            ["dpkg-query", "--search", f"*/{paths.get(library, library).rsplit('/', 1)[-1]}"],
            capture_output=True,
            text=True,
        ).stdout
        packages |= {owner.split(":")[0]} if owner and "/swift/" not in paths.get(library, "") else set()
    # Every Debian has the C library.
    missing = packages - {"libc6", "libgcc-s1"} - set(image["RUN"].split())
    assert {"libcurl4", "libsqlite3-0"} <= packages and not missing


def test_what_is_copied_is_there(stages, root):
    ignored = (root / ".dockerignore").read_text().split()
    for instruction, value in [step for stage in stages for step in stage]:
        if instruction == "COPY" and not value.startswith("--from"):
            source = value.split()[0]
            assert (root / source).exists()
            assert f"!{source}" in ignored, f".dockerignore keeps {source} out"


class Health(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.server.paths.append(self.path)
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("status, healthy", [(200, True), (503, False), (None, False)])
@pytest.mark.skipif(sys.platform == "darwin", reason="bash of macOS has another /dev/tcp than the image's")
def test_the_health_check_asks_the_worker(status, healthy, image):
    options, command = image["HEALTHCHECK"].split("CMD", 1)
    assert "--start-period" in options
    command = json.loads(command)
    assert admin_address(image["CMD"])[1] == PORT and f"/{PORT}" in command[-1]
    with http.server.HTTPServer(("127.0.0.1", 0), type("Answers", (Health,), {"status": status})) as server:
        server.paths = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_port
        if status is None:
            server.shutdown()
            server.server_close()
        try:
            command[-1] = command[-1].replace(f"/{PORT}", f"/{port}")
            code = subprocess.run(command, timeout=30, stderr=subprocess.DEVNULL).returncode
        finally:
            server.shutdown()
            thread.join()
    assert (code == 0) == healthy
    assert server.paths == ([] if status is None else ["/health/live"])


def test_compose_is_what_compose_takes(root):
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", root / "compose.yaml"],
        check=True,
    )


def test_compose_is_open_to_this_machine_alone(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_gives_a_stop_its_time_and_the_worker_little_else(compose, image, shutdown_deadline):
    worker = compose["services"]["worker"]
    assert seconds(worker["stop_grace_period"]) > shutdown_deadline
    assert worker["read_only"] and worker["cap_drop"] == ["ALL"]
    assert f"127.0.0.1:{PORT}:{PORT}" in worker["ports"]
    assert admin_address(image["CMD"])[0] == "0.0.0.0", "nobody outside of a container sees its loopback"
    assert image["VOLUME"] in {volume.split(":")[1] for volume in worker["volumes"]}


def test_compose_has_a_postgres_for_those_who_ask_for_it(compose, root):
    postgres = compose["services"].pop("postgres")
    assert postgres["profiles"] == ["postgres"]
    assert all("profiles" not in service for service in compose["services"].values())
    worker = compose["services"]["worker"]
    assert worker["depends_on"]["postgres"] == {"condition": "service_healthy", "required": False}
    assert worker["environment"]["PRIZE_DATABASE"].startswith("${PRIZE_DATABASE:-sqlite:")
    # What the file's comment has one export reaches the service.
    exported = re.search(r"export COMPOSE_PROFILES=(\S+) PRIZE_DATABASE=postgres://(\S+):(\S+)@(\S+)/(\S+)\n", (root / "compose.yaml").read_text())
    variables = postgres["environment"]
    assert exported.groups() == (
        "postgres", variables["POSTGRES_USER"], variables["POSTGRES_PASSWORD"], "postgres", variables["POSTGRES_DB"],
    )  # fmt: skip
    assert {variables["POSTGRES_USER"], variables["POSTGRES_DB"]} <= set(postgres["healthcheck"]["test"])
    [volume] = postgres["volumes"]
    name, path = volume.split(":")
    assert name in compose["volumes"] and path == "/var/lib/postgresql/data"
    assert int(re.match(r"postgres:(\d+)", postgres["image"])[1]) >= 14


def test_compose_makes_the_queue_that_its_worker_reads(compose, root):
    url = compose["services"]["worker"]["environment"]["AWS_SQS_QUEUE_URL"]
    script = (root / "deploy/localstack/queues.sh").read_text()
    assert f"create-queue --queue-name {url.rsplit('/', 1)[-1]} " in script


def test_compose_makes_that_queue_with_its_dead_letter_queue(root, servers, tmp_path):
    """LocalStack's script, with the AWS command line in the place of LocalStack's."""
    endpoint = servers("LocalQueue").endpoint
    awslocal = tmp_path / "awslocal"
    awslocal.write_text(f'#!/bin/sh\nexec {sys.executable} -m awscli --endpoint-url {endpoint} "$@"\n')
    awslocal.chmod(0o755)
    script = tmp_path / "queues.sh"
    script.write_text((root / "deploy/localstack/queues.sh").read_text().replace("http://localhost:4566", endpoint))
    environment = {**ENVIRONMENT, "PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(["sh", script], env=environment, check=True, timeout=120)
    sqs = client(endpoint)
    url = sqs.get_queue_url(QueueName="test-prize-distribution")["QueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    assert json.loads(policy)["deadLetterTargetArn"].endswith(":test-prize-distribution-dlq")
