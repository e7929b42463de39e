"""A server to be killed, queues that share what queues can share, and a worker that serves them all."""

import json
import os

import pytest

from ports import free_port
from postgres_server import Cluster
from support.outages import FailoverOutages, PostgresOutages, SQLiteOutages
from support.postgres import PostgresPrizes, TCPProxy, make_standby, use_postgres
from support.prizes import Prizes
from support.queue import Queue
from support.server import LocalQueueServer
from support.sqs import client, create_queue
from support.torment import VISIBILITY
from support.trials import Trials
from support.worker import Worker

# With kills, a good message may be received often.
OFTEN = 1000
SELDOM = 3


def pytest_generate_tests(metafunc):
    if "store" not in metafunc.fixturenames:
        if "server" in metafunc.fixturenames:
            metafunc.parametrize("server", ["LocalQueue", "moto"], indirect=True)
        return
    stores = {"sqlite": [("LocalQueue", "sqlite"), ("moto", "sqlite")]}
    stores["postgres"] = [("LocalQueue", "postgres"), ("LocalQueue", "postgres with a standby")]
    wanted = metafunc.config.getoption("--store")
    pairs = [pair for store, pairs in stores.items() if wanted in (None, store) for pair in pairs]
    metafunc.parametrize(["server", "store"], pairs, indirect=True)


@pytest.fixture
def server(binary, servers, tmp_path, request):
    """A local queue of its own, to be killed, on a port that stays the same; moto's is shared, and forgets all."""
    if request.param == "moto":
        yield servers("moto")
        return
    server = LocalQueueServer(binary, tmp_path / "queues", "--port", free_port())
    yield server.start()
    if server.is_running:
        server.kill()
    print(server.log())


@pytest.fixture
def queues(server):
    """By their names in routes.yaml. Two have one dead-letter queue, and from one of these the redrive policy moves messages.

    moto has only the first: it forgets where it moved a message from, and a FIFO queue's order."""
    sqs = client(server.endpoint)
    name = f"chaos-{os.urandom(4).hex()}"
    url, letters = create_queue(sqs, name, max_receive_count=OFTEN, visibility_timeout=VISIBILITY)
    queues = {"prizes": Queue(sqs, server, url, letters)}
    if not isinstance(server, LocalQueueServer):
        return queues
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": SELDOM})
    attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": policy}
    url = sqs.create_queue(QueueName=f"{name}-seldom", Attributes=attributes)["QueueUrl"]
    queues["seldom"] = Queue(sqs, server, url, letters)
    urls = create_queue(sqs, f"{name}.fifo", max_receive_count=OFTEN, visibility_timeout=VISIBILITY)
    # So a deduplication id is its group's alone.
    high = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    sqs.set_queue_attributes(QueueUrl=urls[0], Attributes=high)
    queues["fifo"] = Queue(sqs, server, *urls)
    return queues


@pytest.fixture
def worker(binary, queues, tmp_path):
    worker = Trials(binary, tmp_path, queues["prizes"].url)
    prizes = Worker(binary, tmp_path, queues["prizes"].url).routes
    worker.routes |= {"plugins": prizes["plugins"], "routes": {**worker.routes["routes"], **prizes["routes"]}}
    settings = {**worker.settings, "visibilityTimeout": f"{VISIBILITY}s", "concurrency": 8}
    worker.routes["queues"] = {
        name: {**settings, "url": queue.url, "maxReceiveCount": SELDOM if name == "seldom" else OFTEN}
        for name, queue in queues.items()
    }
    yield worker
    for each in worker.started:
        if each.is_running:
            each.kill()
            # Where all went well, none is left.
            print(each.log()[-4000:])


class SQLite:
    """Where the chaos keeps its prizes, and what becomes of that."""

    def __init__(self, worker):
        self.prizes = Prizes(worker)
        self._worker = worker

    def outages(self, random):
        return SQLiteOutages(self._worker.database, random)

    def close(self):
        pass


class Postgres:
    """A server of its own, to be killed, behind a proxy that swallows and cuts."""

    def __init__(self, worker):
        self.cluster = Cluster()
        self.cluster.__enter__()
        self.cluster.sql("CREATE DATABASE prizes")
        self.prizes = PostgresPrizes(worker, self.cluster, "prizes")
        self._proxy = TCPProxy(self.cluster.port)
        use_postgres(worker, self.cluster.uri("prizes", port=self._proxy.port))

    def outages(self, random):
        return PostgresOutages(self.prizes, [self._proxy], random)

    def close(self):
        self._proxy.close()
        self.cluster.__exit__()


class Replicated(Postgres):
    """With a standby that each commit waits for, and that is promoted on the way."""

    def __init__(self, worker):
        super().__init__(worker)
        self._standby = make_standby(self.cluster)
        self._other_proxy = TCPProxy(self._standby.port)
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in (self._proxy, self._other_proxy))
        use_postgres(worker, f"postgresql://worker@{hosts}/prizes?target_session_attrs=read-write")

    def outages(self, random):
        return FailoverOutages(self.prizes, self._standby, [self._proxy, self._other_proxy], random)

    def close(self):
        self._other_proxy.close()
        self._standby.__exit__()
        super().close()


@pytest.fixture
def store(worker, request):
    store = {"sqlite": SQLite, "postgres": Postgres, "postgres with a standby": Replicated}[request.param](worker)
    yield store
    store.close()
