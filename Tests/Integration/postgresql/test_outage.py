"""A server that is gone, in each of its ways, costs no message a receive; grants go on by themselves afterwards."""

import os
import time
from contextlib import contextmanager

import psycopg
import pytest

from support import wait_until
from support.disk import fill, small_disk
from support.events import CATALOG, item, somebody
from support.postgres import PostgresPrizes, TCPProxy, freeze, make_standby, promote, use_postgres

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
COUNT = 60


@pytest.fixture
def queue(make_queue):
    # The first receive is the only one.
    return make_queue(visibility_timeout=5, max_receive_count=1)


@pytest.fixture
def worker(make_worker, queue, own_cluster):
    worker = make_worker(queue)
    worker.settings.update(visibilityTimeout="5s", maxReceiveCount=1)
    own_cluster.sql("CREATE DATABASE prizes")
    use_postgres(worker, own_cluster.uri("prizes"))
    yield worker
    worker.close()
    worker.started.clear()


@pytest.fixture
def prizes(worker, own_cluster):
    prizes = PostgresPrizes(worker, own_cluster, "prizes")
    prizes.import_catalog(CATALOG)
    return prizes


@contextmanager
def stopped(cluster):
    cluster.stop("fast")
    yield
    cluster.start()


@contextmanager
def killed(cluster):
    cluster.stop("immediate")
    yield
    cluster.start()


@contextmanager
def frozen(cluster):
    thaw = freeze(cluster)
    yield
    thaw()


@contextmanager
def without_connections(cluster):
    cluster.sql("ALTER DATABASE prizes ALLOW_CONNECTIONS false")
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prizes'")
    yield
    cluster.sql("ALTER DATABASE prizes ALLOW_CONNECTIONS true")


@contextmanager
def locked(cluster):
    """As a migration of somebody else's would hold it."""
    with psycopg.connect(cluster.uri("prizes")) as connection:
        connection.execute("LOCK TABLE handled_events IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def send(queue, count=COUNT):
    for number in range(count):
        queue.send(item(somebody(number)))


def check(queue, prizes, running, count=COUNT):
    queue.wait_until_empty(deadline=120)
    assert queue.dead_letters() == []
    total = "SELECT sum(quantity) FROM items WHERE pending_discord_user_id = ANY (?)"
    assert prizes.query(total, [somebody(number) for number in range(count)]) == [(count,)]
    running.stop()


@pytest.mark.parametrize("outage", [stopped, killed, frozen, without_connections, locked])
def test_an_outage_costs_no_receive(outage, queue, worker, prizes, own_cluster):
    running = worker.start()
    queue.send(item(somebody(COUNT)))
    prizes.wait_for(somebody(COUNT))
    with outage(own_cluster):
        send(queue)
        wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
        # For longer than a visibility timeout.
        time.sleep(8)
        assert queue.size() == COUNT
    check(queue, prizes, running)


# After ten seconds, an event that began in the outage fails just after its end.
@pytest.mark.parametrize("pause", [8, 10])
def test_a_network_that_swallows_everything_costs_no_receive(pause, queue, worker, prizes, own_cluster):
    proxy = TCPProxy(own_cluster.port)
    use_postgres(worker, own_cluster.uri("prizes", port=proxy.port))
    running = worker.start()
    queue.send(item(somebody(COUNT)))
    prizes.wait_for(somebody(COUNT))
    proxy.is_frozen = True
    send(queue)
    wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
    time.sleep(pause)
    assert queue.size() == COUNT
    proxy.is_frozen = False
    check(queue, prizes, running)
    proxy.close()


def test_a_password_that_was_rotated_costs_no_receive(queue, worker, prizes, own_cluster):
    """The file has the new one later than the server."""
    hba = own_cluster.data / "pg_hba.conf"
    hba.write_text("host prizes rotating 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    own_cluster.run("pg_ctl", "-D", own_cluster.data, "reload")
    own_cluster.sql("CREATE ROLE rotating LOGIN SUPERUSER PASSWORD 'old'")
    file = worker.folder / "pgpass"
    file.write_text("*:*:*:rotating:old\n")
    file.chmod(0o600)
    worker.environment["PGPASSFILE"] = str(file)
    use_postgres(worker, own_cluster.uri("prizes", user="rotating"))
    running = worker.start()
    queue.send(item(somebody(COUNT)))
    prizes.wait_for(somebody(COUNT))
    own_cluster.sql("ALTER ROLE rotating PASSWORD 'new'")
    own_cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotating'")
    send(queue)
    wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
    time.sleep(8)
    assert queue.size() == COUNT
    file.write_text("*:*:*:rotating:new\n")
    check(queue, prizes, running)


def test_a_role_without_connections_costs_no_receive(queue, worker, prizes, own_cluster):
    """A limit holds for roles that are not the server's superuser."""
    own_cluster.sql("CREATE ROLE limited LOGIN")
    own_cluster.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO limited", "prizes")
    use_postgres(worker, own_cluster.uri("prizes", user="limited"))
    running = worker.start()
    queue.send(item(somebody(COUNT)))
    prizes.wait_for(somebody(COUNT))
    own_cluster.sql("ALTER ROLE limited CONNECTION LIMIT 0")
    own_cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'limited'")
    send(queue)
    wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
    assert "(53300)" in running.log() and "CONNECTION LIMIT" in running.log()
    time.sleep(8)
    assert queue.size() == COUNT
    own_cluster.sql("ALTER ROLE limited CONNECTION LIMIT -1")
    check(queue, prizes, running)


def test_a_full_disk_costs_no_receive(queue, worker, prizes, own_cluster):
    with small_disk("24m") as disk:
        if own_cluster.account:
            os.chown(disk, own_cluster.account.pw_uid, own_cluster.account.pw_gid)
        own_cluster.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
        for table in ("items", "handled_events"):
            own_cluster.sql(f"ALTER TABLE {table} SET TABLESPACE small", "prizes")
        running = worker.start()
        queue.send(item(somebody(COUNT)))
        prizes.wait_for(somebody(COUNT))
        fill(disk / "full")
        # Pages more are needed at once.
        big = [item(somebody(number), 800, "cluid789ghi") for number in range(COUNT)]
        for event in big:
            queue.send(event)
        wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=90)
        assert "free space on the server's disk" in running.log()
        time.sleep(6)
        assert queue.dead_letters() == []
        (disk / "full").unlink()
        queue.wait_until_empty(deadline=120)
        assert queue.dead_letters() == []
        assert prizes.query("SELECT count(*) FROM items WHERE NOT stacks") == [(COUNT * 800,)]
        running.stop()
        own_cluster.stop("immediate")


def test_a_failover_costs_no_receive(queue, worker, prizes, own_cluster):
    standby = make_standby(own_cluster)
    try:
        hosts = f"postgresql://worker@127.0.0.1:{own_cluster.port},127.0.0.1:{standby.port}/prizes"
        use_postgres(worker, f"{hosts}?target_session_attrs=read-write")
        running = worker.start()
        queue.send(item(somebody(COUNT)))
        prizes.wait_for(somebody(COUNT))
        send(queue, COUNT // 2)
        own_cluster.stop("immediate")
        for number in range(COUNT // 2, COUNT):
            queue.send(item(somebody(number)))
        promote(standby)
        check(queue, PostgresPrizes(worker, standby, "prizes"), running)
    finally:
        standby.__exit__()


def test_a_standby_alone_takes_nothing_in(queue, worker, prizes, own_cluster):
    standby = make_standby(own_cluster)
    try:
        use_postgres(worker, standby.uri("prizes"))
        failed = worker.command("doctor", "--routes", worker.write_routes())
        assert "the server is a standby, and nothing can be granted on it" in failed.stdout
        assert failed.code != 0
        queue.send(item(somebody(1)))
        running = worker.start()
        wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
        promote(standby)
        check_one = PostgresPrizes(worker, standby, "prizes")
        check_one.wait_for(somebody(1), deadline=90)
        running.stop()
        assert queue.dead_letters() == []
    finally:
        standby.__exit__()
