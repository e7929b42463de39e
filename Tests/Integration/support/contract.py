"""A queue as the contract tests use it: short calls over any boto3, old or new."""

import hashlib
import json
import struct
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

MIB = 1_048_576


class ContractQueue:
    def __init__(self, sqs, url):
        self.sqs = sqs
        self.url = url

    @property
    def name(self):
        return self.url.rsplit("/", 1)[-1]

    @property
    def arn(self):
        return self.attributes("QueueArn")["QueueArn"]

    def send(self, body="hello", **options):
        return self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **options)

    def send_batch(self, *entries):
        return self.sqs.send_message_batch(QueueUrl=self.url, Entries=list(entries))

    def receive(self, count=10, wait=0, system=("All",), custom=("All",), **options):
        """The messages that a receive answers with; all of what is known of them, unless told otherwise."""
        return self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=wait,
            MessageAttributeNames=list(custom),
            **{self._system_names: list(system)},
            **options,
        ).get("Messages", [])

    def receive_one(self, wait=10, **options):
        """The next message, which may have to become visible first."""
        messages = self.receive(1, wait, **options)
        assert messages, f"no message within {wait} s"
        return messages[0]

    @property
    def _system_names(self):
        known = self.sqs.meta.service_model.operation_model("ReceiveMessage").input_shape.members
        return "MessageSystemAttributeNames" if "MessageSystemAttributeNames" in known else "AttributeNames"

    def delete(self, message):
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def change_visibility(self, message, seconds):
        handle = message["ReceiptHandle"]
        self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=seconds)

    def attributes(self, *names):
        names = list(names or ["All"])
        return self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names).get("Attributes", {})

    def set(self, **attributes):
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=attributes)

    def counts(self):
        """How many messages are visible, in flight and delayed."""
        names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
        attributes = self.attributes(*names)
        return tuple(int(attributes[name]) for name in names)


def bodies(messages):
    return [message["Body"] for message in messages]


@contextmanager
def refused(*codes):
    """What is done within is answered with one of these error codes."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] in codes, caught.value


def redrive_policy(dead_letters, count=1):
    return json.dumps({"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": count})


def entry(id, body="hello", **options):
    return {"Id": str(id), "MessageBody": body, **options}


def text(value, type="String"):
    """A message attribute."""
    return {"DataType": type, "StringValue": value}


def binary(value, type="Binary"):
    """A message attribute."""
    return {"DataType": type, "BinaryValue": value}


def md5(body):
    return hashlib.md5(body.encode()).hexdigest()


def md5_of_attributes(attributes):
    """As the developer guide describes it."""
    digest = hashlib.md5()

    def add(part):
        digest.update(struct.pack(">I", len(part)) + part)

    for name in sorted(attributes):
        value = attributes[name]
        add(name.encode())
        add(value["DataType"].encode())
        if value["DataType"].startswith("Binary"):
            digest.update(b"\x02")
            add(value["BinaryValue"])
        else:
            digest.update(b"\x01")
            add(value["StringValue"].encode())
    return digest.hexdigest()
