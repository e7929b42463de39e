"""The worker's binary against SQS-compatible servers over HTTP: its own, and moto's. WORKER_BINARY names the binary."""

import os
import random
import uuid
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

import sqs_server
from support.events import CATALOG
from support.prizes import Prizes
from support.proxy import Proxy
from support.queue import Queue
from support.server import LocalQueueServer
from support.sqs import client, create_queue
from support.worker import Worker


def pytest_addoption(parser):
    group = parser.getgroup("tests that draw at random")
    group.addoption("--events", type=int, help="how many events the chaos or the soak sends")
    group.addoption("--store", choices=["sqlite", "postgres"], help="where the chaos keeps its prizes; in each, by default")
    group.addoption("--bodies", type=int, default=2000, help="how many hostile messages are sent")
    group.addoption("--answers", type=int, default=2000, help="how many of the queue's answers are damaged")
    group.addoption("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="what they draw from")


def pytest_configure():
    path = os.environ.get("WORKER_BINARY", "")
    if not os.access(path, os.X_OK):
        raise pytest.UsageError(f"WORKER_BINARY must name the worker's binary, and is {path!r}; `make test` sets it")


class EachServerApart(LoadScopeScheduling):
    """Tests of one class or module stay together, as `--dist loadscope` has it; those with moto are together apart,
    and so is each test that takes its time and shares nothing."""

    def _split_scope(self, nodeid):
        if nodeid.startswith(("faults/", "chaos/", "http_servers/")):
            return nodeid
        scope, _, test = nodeid.rpartition("::")
        return f"{scope} with moto" if "[moto" in test else scope


def pytest_xdist_make_scheduler(config, log):
    return EachServerApart(config, log)


def pytest_collection_modifyitems(items):
    # Terraform takes minutes, and nearly all of them waiting: beside everything else, if it begins first.
    items.sort(key=lambda item: "terraform" not in item.nodeid)


@pytest.fixture(scope="session")
def binary():
    return str(Path(os.environ["WORKER_BINARY"]).resolve())


@pytest.fixture(scope="session")
def servers(binary, tmp_path_factory):
    """A server by its name; it is started when it is first asked for, and runs until the session ends."""
    with ExitStack() as started:

        @cache
        def get(name):
            if name == "moto":
                return started.enter_context(sqs_server.Server("moto"))
            return started.enter_context(LocalQueueServer(binary, tmp_path_factory.mktemp("queues")))

        yield get


@pytest.fixture(scope="session", params=["LocalQueue", "moto"])
def server(servers, request):
    return servers(request.param)


@pytest.fixture(scope="session")
def sqs(server):
    return client(server.endpoint)


@pytest.fixture(scope="session")
def make_queue(sqs, server):
    """Makes a queue with a dead-letter queue; both are new."""

    def make(suffix="", **options):
        name = f"test-{uuid.uuid4().hex[:12]}{suffix}"
        return Queue(sqs, server, *create_queue(sqs, name, **options))

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
