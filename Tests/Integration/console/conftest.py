"""A worker with its console, on the local queue."""

import uuid

import pytest

from postgres_server import Cluster
from support.console import Console
from support.events import CATALOG
from support.postgres import PostgresPrizes, use_postgres
from support.prizes import Prizes
from support.queue import Queue
from support.sqs import client, create_queue


@pytest.fixture(scope="session")
def server(servers):
    return servers("LocalQueue")


# Of their own: those of the other tests go from server to server.
@pytest.fixture(scope="session")
def sqs(server):
    return client(server.endpoint)


@pytest.fixture(scope="session")
def make_queue(sqs, server):
    def make(suffix="", **options):
        name = f"test-{uuid.uuid4().hex[:12]}{suffix}"
        return Queue(sqs, server, *create_queue(sqs, name, **options))

    return make


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def prizes(worker, request):
    """In SQLite, or where a test asks for it, in PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        prizes = Prizes(worker)
    else:
        cluster = request.getfixturevalue("cluster")
        database = f"prizes_{uuid.uuid4().hex[:12]}"
        cluster.sql(f"CREATE DATABASE {database}")
        use_postgres(worker, cluster.uri(database))
        prizes = PostgresPrizes(worker, cluster, database)
    prizes.import_catalog(CATALOG)
    return prizes


@pytest.fixture
def console(worker, prizes):
    return Console(worker.start("--admin", "0")).ready()


@pytest.fixture
def make_console(worker, prizes):
    """Starts one with a section `admin` of its own."""

    def make(*arguments, **admin):
        worker.routes["admin"] = {"port": 0, **admin}
        return Console(worker.start(*arguments))

    return make
