"""Terraform against the local queue: what production's infrastructure declares applies here, and stays as declared.

It takes three minutes, most of it the provider's own waiting for a consistency that SQS needs; alone in its file, so
that the tests of other files run beside it. Nobody installs Terraform and its AWS provider for it: without them it is
skipped.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import boto3
import pytest

pytestmark = pytest.mark.one_client
SOURCE = Path(__file__).parent / "terraform"
PROVIDER = "registry.terraform.io/hashicorp/aws"
FOLDERS = [
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
]
ADVICE = (
    "install terraform (https://developer.hashicorp.com/terraform/install), and its AWS provider 5 into a folder of "
    f"{PROVIDER}/VERSION/PLATFORM, with `terraform providers mirror ~/.terraform.d/plugins` in "
    "Tests/Integration/local_queue/terraform; TF_PLUGIN_MIRROR names another folder than that"
)


def find_mirror():
    """A folder that holds the AWS provider as `terraform providers mirror` writes it; None where there is none."""
    named = [os.environ[name] for name in ("TF_PLUGIN_MIRROR", "TF_PLUGIN_CACHE_DIR") if os.environ.get(name)]
    for folder in [*map(Path, named), *(Path(folder).expanduser() for folder in FOLDERS), *Path("/opt").glob("*")]:
        provider = folder / PROVIDER
        if any(provider.glob("5.*/*/terraform-provider-aws*")) or any(provider.glob("terraform-provider-aws_5.*.zip")):
            return folder.resolve()
    return None


@pytest.fixture
def endpoint(binary, tmp_path):
    """A local queue of this test's own."""
    log = (tmp_path / "server.log").open("w+")
    command = [binary, "local-queue", "--port", "0", "--data", str(tmp_path / "queue")]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", Path(log.name).read_text())):
            assert server.poll() is None and time.monotonic() < end, f"no start:\n{Path(log.name).read_text()}"
            time.sleep(0.05)
        yield found[0]
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0, Path(log.name).read_text()
    finally:
        server.kill()
        server.wait()
        log.close()


class Terraform:
    """Terraform in a folder of its own, with nothing of the configuration of whoever runs the tests."""

    def __init__(self, executable, mirror, folder, endpoint):
        self._executable = executable
        self._folder = folder
        shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        configuration = folder / "terraform.rc"
        configuration.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path    = "{mirror}"\n'
            f'    include = ["{PROVIDER}"]\n  }}\n}}\n'
        )
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "TF_CLI_CONFIG_FILE": str(configuration),
            "TF_IN_AUTOMATION": "1",
            "TF_VAR_endpoint": endpoint,
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # A request that fails is to fail, not to be tried 25 times.
            "AWS_MAX_ATTEMPTS": "3",
        }

    def run(self, *arguments, expect=0):
        command = [self._executable, *arguments]
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        print(f"$ terraform {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        assert done.returncode == expect, f"terraform {arguments[0]} ended with {done.returncode}, not {expect}"
        return done.stdout


@pytest.fixture
def terraform(endpoint, tmp_path):
    terraform = Terraform(shutil.which("terraform"), find_mirror(), tmp_path / "terraform", endpoint)
    terraform.run("init", "-input=false", "-no-color")
    return terraform


@pytest.mark.skipif(not shutil.which("terraform"), reason=f"terraform is not here: {ADVICE}")
@pytest.mark.skipif(not find_mirror(), reason=f"Terraform's AWS provider is not here: {ADVICE}")
def test_applies_stays_and_goes(terraform, endpoint):
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    sqs = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1", **keys)
    quiet = ["-input=false", "-no-color"]

    terraform.run("apply", "-auto-approve", *quiet)
    queue, letters, ordered = json.loads(terraform.run("output", "-json", "urls"))
    attributes, letters_attributes, ordered_attributes = (attributes_of(sqs, url) for url in (queue, letters, ordered))
    assert attributes["VisibilityTimeout"] == "60"
    redrive = json.loads(attributes["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": letters_attributes["QueueArn"], "maxReceiveCount": 3}
    allow = json.loads(letters_attributes["RedriveAllowPolicy"])
    assert allow == {"redrivePermission": "byQueue", "sourceQueueArns": [attributes["QueueArn"]]}
    assert json.loads(attributes["Policy"])["Statement"][0]["Sid"] == "BotSends"
    assert ordered_attributes["FifoQueue"] == "true"
    assert ordered_attributes["DeduplicationScope"] == "messageGroup"
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "prizes", "stage": "test"}

    # With -detailed-exitcode, 0 says that there is nothing to change, and 2 that there is.
    terraform.run("plan", "-detailed-exitcode", *quiet)

    changes = ["-var", "visibility_timeout=90", "-var", 'tags={team="prizes",cost="low"}']
    terraform.run("apply", "-auto-approve", *quiet, *changes)
    terraform.run("plan", "-detailed-exitcode", *quiet, *changes)
    assert attributes_of(sqs, queue) == {
        **attributes,
        "VisibilityTimeout": "90",
        "LastModifiedTimestamp": attributes_of(sqs, queue)["LastModifiedTimestamp"],
    }
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "prizes", "cost": "low"}

    terraform.run("destroy", "-auto-approve", *quiet)
    assert not sqs.list_queues().get("QueueUrls")


def attributes_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
