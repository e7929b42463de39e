"""The `aws` command line, as people type it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.sqs import ENVIRONMENT

pytestmark = pytest.mark.one_client

AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def aws(server, tmp_path):
    """Runs `aws sqs` with some arguments; returns what it prints, which is JSON, or its error."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PAGER": "",
        **ENVIRONMENT,
    }

    def aws(*arguments, code=0):
        command = [sys.executable, AWS, "--endpoint-url", server.endpoint, "sqs", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        if code:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    return aws


def test_a_message_from_send_to_delete(aws, new_name):
    name = new_name()
    url = aws("create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=600")["QueueUrl"]
    assert aws("get-queue-url", "--queue-name", name) == {"QueueUrl": url}
    attributes = '{"city": {"DataType": "String", "StringValue": "Zoë"}}'
    sent = aws("send-message", "--queue-url", url, "--message-body", "hello 🎡", "--message-attributes", attributes)
    names = ["--message-attribute-names", "All", "--message-system-attribute-names", "All"]
    [message] = aws("receive-message", "--queue-url", url, *names)["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "hello 🎡")
    assert message["MessageAttributes"]["city"]["StringValue"] == "Zoë"
    assert aws("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"]) == {}
    counts = aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")
    assert url in aws("list-queues", "--queue-name-prefix", name)["QueueUrls"]


def test_a_redrive_from_a_dead_letter_queue(aws, new_name):
    dead = aws("create-queue", "--queue-name", new_name("-dlq"))["QueueUrl"]
    described = aws("get-queue-attributes", "--queue-url", dead, "--attribute-names", "QueueArn")
    arn = described["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    made = aws("create-queue", "--queue-name", new_name(), "--attributes", json.dumps({"RedrivePolicy": policy}))
    url = made["QueueUrl"]
    aws("send-message", "--queue-url", url, "--message-body", "hello")
    aws("receive-message", "--queue-url", url, "--visibility-timeout", 0)
    assert aws("receive-message", "--queue-url", url) == {}
    assert aws("list-dead-letter-source-queues", "--queue-url", dead)["queueUrls"] == [url]
    assert aws("start-message-move-task", "--source-arn", arn)["TaskHandle"]
    [message] = aws("receive-message", "--queue-url", url, "--wait-time-seconds", 20)["Messages"]
    assert message["Body"] == "hello"
    [task] = aws("list-message-move-tasks", "--source-arn", arn)["Results"]
    assert task["SourceArn"] == arn


def test_a_queue_that_is_not_there(aws, new_name):
    error = aws("get-queue-url", "--queue-name", new_name(), code=255)
    assert "AWS.SimpleQueueService.NonExistentQueue" in error
