"""The contract of `worker local-queue`: what SQS's documentation promises, seen through the clients that people use.

It runs with a boto3 that speaks AWS JSON and with one that speaks the older Query protocol."""

import uuid

import pytest

from support.contract import ContractQueue
from support.sqs import client


@pytest.fixture(scope="session")
def server(servers):
    return servers("LocalQueue")


# pytest keeps one value of a session's fixture, whichever `server` it was made with: so these tests have their own.
@pytest.fixture(scope="session")
def sqs(server):
    return client(server.endpoint)


@pytest.fixture
def new_name():
    """Makes names that no other test uses."""
    return lambda suffix="": f"test-{uuid.uuid4().hex[:12]}{suffix}"


@pytest.fixture
def new_queue(sqs, new_name):
    """Makes queues with the attributes that are given."""

    def new_queue(**attributes):
        name = new_name(".fifo" if "FifoQueue" in attributes else "")
        return ContractQueue(sqs, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    return new_queue


@pytest.fixture
def queue(new_queue):
    return new_queue()


@pytest.fixture
def dead(new_queue):
    """A queue for dead letters."""
    return new_queue()
