"""`infra` applied: to the local queue for SQS, and to moto for IAM and CloudWatch. The worker runs on what it made.

It takes two minutes, nearly all of it the provider's own waiting for a consistency that SQS needs; alone in its file, so
that the tests of other files run beside it.
"""

import json
import uuid
from pathlib import Path

import boto3
import pytest

from support.events import CATALOG, COIN, UNLINKED, item
from support.prizes import Prizes
from support.queue import Queue
from support.server import LocalQueueServer
from support.sqs import ENVIRONMENT, client
from support.terraform import Terraform, needed

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def local_queue(binary, tmp_path):
    with LocalQueueServer(binary, tmp_path / "queue") as server:
        yield server


@pytest.fixture
def aws(servers):
    """A client of one of the services that moto stands in for."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
    return lambda service: boto3.client(service, endpoint_url=servers("moto").endpoint, **keys)


@needed
def test_the_worker_runs_on_what_terraform_made(local_queue, servers, aws, make_worker, tmp_path):
    iam, cloudwatch = aws("iam"), aws("cloudwatch")
    # moto is shared with other tests.
    project = f"crew-{uuid.uuid4().hex[:8]}"
    name = f"{project}-prize-distribution-test"
    iam.create_role(RoleName=f"{project}-worker", AssumeRolePolicyDocument="{}")
    elsewhere = servers("moto").endpoint
    terraform = Terraform(
        ROOT / "infra",
        tmp_path / "terraform",
        {
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL_SQS": local_queue.endpoint,
            **{f"AWS_ENDPOINT_URL_{service}": elsewhere for service in ("IAM", "STS", "CLOUDWATCH")},
            "TF_VAR_project": project,
            "TF_VAR_environment": "test",
            "TF_VAR_worker_role_names": json.dumps([f"{project}-worker"]),
        },
    )
    terraform.apply()
    terraform.has_nothing_to_change()

    outputs = terraform.outputs()
    assert outputs["sqs_queue_url"].endswith(f"/{name}")
    assert outputs["sqs_dlq_url"].endswith(f"/{name}-dlq")
    attached = iam.list_attached_role_policies(RoleName=f"{project}-worker")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [outputs["sqs_consumer_policy_arn"]]
    for party in ("producer", "operator"):
        assert iam.get_policy(PolicyArn=outputs[f"sqs_{party}_policy_arn"])["Policy"]["AttachmentCount"] == 0
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert {alarm["AlarmName"] for alarm in alarms} == {f"{name}-dead-letters", f"{name}-oldest-message"}

    sqs = client(local_queue.endpoint)
    queue = Queue(sqs, local_queue, outputs["sqs_queue_url"], outputs["sqs_dlq_url"])
    worker = make_worker(queue)
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    queue.send(item(quantity=5))
    queue.send(item(quantity=0))
    # The routes of the repository, because the module's defaults are to be theirs.
    worker.environment["PRIZE_DATABASE"] = f"sqlite:{worker.database}"
    ran = worker.command("run", "--until-empty", "--routes", ROOT / "routes.yaml").succeeded()
    assert '"maxReceiveCount":"3"' in ran.stderr and "differs" not in ran.stderr
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.dead_letter().failure["field"] == "quantity"

    terraform.destroy()
    assert not sqs.list_queues().get("QueueUrls")
    assert not cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert not iam.list_attached_role_policies(RoleName=f"{project}-worker")["AttachedPolicies"]
