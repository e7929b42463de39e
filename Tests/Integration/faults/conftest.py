"""A worker on a queue whose redrive policy does not interfere."""

import pytest


@pytest.fixture
def queue(make_queue):
    # A fault may cost receives. What the redrive policy makes of many is not what is tested here.
    return make_queue(max_receive_count=100, visibility_timeout=2)


@pytest.fixture
def worker(worker):
    worker.settings.update(visibilityTimeout="2s", maxReceiveCount=100)
    return worker
