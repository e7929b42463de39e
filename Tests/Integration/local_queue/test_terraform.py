"""Terraform against the local queue: what production's infrastructure declares applies here, and stays as declared.

It takes three minutes, most of it the provider's own waiting for a consistency that SQS needs; alone in its file, so
that the tests of other files run beside it. Without Terraform and its AWS provider it is skipped.
"""

import json
from pathlib import Path

import pytest

from support.server import LocalQueueServer
from support.sqs import client
from support.terraform import Terraform, needed

pytestmark = pytest.mark.one_client
SOURCE = Path(__file__).parent / "terraform"


@pytest.fixture
def endpoint(binary, tmp_path):
    """A local queue of this test's own."""
    with LocalQueueServer(binary, tmp_path / "queue") as server:
        yield server.endpoint


@needed
def test_applies_stays_and_goes(endpoint, tmp_path):
    sqs = client(endpoint)
    terraform = Terraform(SOURCE, tmp_path / "terraform", {"TF_VAR_endpoint": endpoint})

    terraform.apply()
    queue, letters, ordered = terraform.outputs()["urls"]
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
    terraform.has_nothing_to_change()

    changes = ["-var", "visibility_timeout=90", "-var", 'tags={team="prizes",cost="low"}']
    terraform.apply(*changes)
    terraform.has_nothing_to_change(*changes)
    assert attributes_of(sqs, queue) == {
        **attributes,
        "VisibilityTimeout": "90",
        "LastModifiedTimestamp": attributes_of(sqs, queue)["LastModifiedTimestamp"],
    }
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "prizes", "cost": "low"}

    terraform.destroy()
    assert not sqs.list_queues().get("QueueUrls")


def attributes_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
