"""The worker's binary against a real SQS-compatible server over HTTP. WORKER_BINARY names the binary."""

import os
import uuid
from pathlib import Path

import pytest

import local_queue
from support.events import CATALOG
from support.prizes import Prizes
from support.proxy import Proxy
from support.queue import Queue
from support.worker import Worker


def pytest_configure():
    path = os.environ.get("WORKER_BINARY", "")
    if not os.access(path, os.X_OK):
        raise pytest.UsageError(f"WORKER_BINARY must name the worker's binary, and is {path!r}; `make test` sets it")


@pytest.fixture(scope="session")
def binary():
    return str(Path(os.environ["WORKER_BINARY"]).resolve())


@pytest.fixture(scope="session")
def server():
    with local_queue.LocalServer() as server:
        yield server


@pytest.fixture(scope="session")
def sqs(server):
    return local_queue.client(server.endpoint)


@pytest.fixture(scope="session")
def make_queue(sqs, server):
    """Makes a queue with a dead-letter queue; both are new."""

    def make(suffix="", **options):
        name = f"test-{uuid.uuid4().hex[:12]}{suffix}"
        return Queue(sqs, server.endpoint, *local_queue.create_queue(sqs, name, **options))

    return make


@pytest.fixture(scope="session")
def make_worker(binary, tmp_path_factory):
    """Makes a worker for a queue, with a folder, routes and a database of its own."""
    workers = []

    def make(queue):
        worker = Worker(binary, tmp_path_factory.mktemp("worker"), queue.url)
        workers.append(worker)
        return worker

    yield make
    for worker in workers:
        worker.close()


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def worker(make_worker, queue):
    worker = make_worker(queue)
    yield worker
    worker.close()
    worker.started.clear()


@pytest.fixture
def prizes(worker):
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    return prizes


@pytest.fixture
def proxy(server, worker):
    """Between the worker and its queue."""
    proxy = Proxy(server.endpoint)
    worker.environment["AWS_ENDPOINT_URL_SQS"] = proxy.endpoint
    yield proxy
    proxy.close()
