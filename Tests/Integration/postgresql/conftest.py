"""A PostgreSQL server for all tests of a process, and a database for each."""

import uuid

import pytest

from postgres_server import Cluster
from support.events import CATALOG
from support.postgres import PostgresPrizes, use_postgres


@pytest.fixture(scope="session")
def cluster():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def own_cluster():
    """For tests that do to it what others would not like."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def database(cluster):
    name = f"prizes_{uuid.uuid4().hex[:12]}"
    cluster.sql(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def worker(worker, cluster, database):
    use_postgres(worker, cluster.uri(database))
    return worker


@pytest.fixture
def prizes(worker, cluster, database):
    prizes = PostgresPrizes(worker, cluster, database)
    prizes.import_catalog(CATALOG)
    return prizes
