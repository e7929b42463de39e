"""SQS through boto3: clients for a local server, and queues with a dead-letter queue."""

import json

import boto3
from botocore.config import Config

ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}
"""What a local server needs of its clients: any credentials will do."""


def client(endpoint, **configuration):
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=ENVIRONMENT["AWS_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(**configuration),
    )


def client_without_retries(endpoint):
    """Each call is one request, and each error the caller's."""
    return client(endpoint, retries={"total_max_attempts": 1})


def loaded_sts(endpoint):
    """moto's STS, once it has answered: moto loads a service with the first request to it, which can take longer than a
    worker waits for an answer."""
    sts = boto3.client(
        "sts",
        endpoint_url=endpoint,
        region_name=ENVIRONMENT["AWS_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    sts.get_caller_identity()
    return endpoint


def create_queue(sqs, name, max_receive_count=3, visibility_timeout=30):
    """Makes a queue with a dead-letter queue, and returns the URLs of both; a name in .fifo makes both FIFO."""
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    dead_letters = sqs.create_queue(QueueName=_dead_letter_name(name), Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
    attributes = {"VisibilityTimeout": str(visibility_timeout), "RedrivePolicy": json.dumps(redrive), **fifo}
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], dead_letters


def _dead_letter_name(name):
    return f"{name.removesuffix('.fifo')}-dlq{'.fifo' if name.endswith('.fifo') else ''}"
