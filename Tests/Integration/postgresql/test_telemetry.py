"""What the store shows of its pool and its transactions, by OpenTelemetry's database conventions."""

import pytest

from support import wait_until
from support.admin import Admin
from support.events import COIN, item, somebody
from support.otlp import Receiver

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
POOL = {"db_client_connection_pool_name": "prizes"}
GRANTS = {"db_system_name": "postgresql", "db_operation_name": "grant"}


@pytest.fixture
def admin(worker, prizes):
    return Admin(worker.start("--admin", "0"))


def test_the_pool_is_measured(admin, queue, prizes):
    for number in range(20):
        queue.send(item(somebody(number)))
    queue.wait_until_empty()
    count = lambda state: admin.value("db_client_connection_count", db_client_connection_state=state, **POOL)  # noqa: E731
    wait_until(lambda: count("used") == 0, "no connection is in use")
    assert 1 <= count("idle") <= admin.value("db_client_connection_max", **POOL) == 4
    assert admin.value("db_client_connection_pending_requests", **POOL) == 0
    assert admin.value("db_client_connection_timeouts_total", **POOL) in (0, None)
    grants = admin.value("db_client_operation_duration_seconds_count", **GRANTS)
    assert 1 <= grants <= 20
    for what in ("wait_time", "use_time"):
        assert admin.value(f"db_client_connection_{what}_seconds_count", **POOL) >= grants
        assert 0 < admin.value(f"db_client_connection_{what}_seconds_sum", **POOL) < 60
    assert admin.value("db_client_connection_create_time_seconds_count", **POOL) >= 1
    assert "# HELP db_client_connection_use_time_seconds How long calls kept" in admin.exposition()


def test_calls_that_wait_are_counted(admin, queue, prizes):
    queue.send(item(somebody(0)))
    prizes.wait_for(somebody(0))
    with prizes.connect() as connection:
        connection.autocommit = False
        connection.execute("LOCK TABLE handled_events IN ACCESS EXCLUSIVE MODE")
        queue.send(item(somebody(1)))
        used = {"db_client_connection_state": "used"} | POOL
        wait_until(lambda: admin.value("db_client_connection_count", **used) == 1, "a connection is in use")
        connection.rollback()
    prizes.wait_for(somebody(1))


@pytest.fixture
def receiver(worker):
    receiver = Receiver()
    worker.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    yield receiver
    receiver.close()


def test_a_transaction_is_a_span(receiver, queue, worker, prizes, cluster, database):
    queue.send(item(somebody(1)))
    worker.run_until_empty()
    (span,) = receiver.named("grant prizes")
    assert span.kind == "client"
    assert {key: value for key, value in span.attributes.items() if not key.startswith("thread.")} == {
        "db.system.name": "postgresql",
        "db.namespace": database,
        "db.operation.name": "grant",
        "server.address": "127.0.0.1",
        "server.port": cluster.port,
    }
    assert prizes.pending(somebody(1)) == {COIN: 1}


def test_a_batch_says_how_many(receiver, queue, worker, prizes):
    for number in range(30):
        queue.send(item(somebody(number)))
    worker.run_until_empty()
    sizes = [span.attributes.get("db.operation.batch.size", 1) for span in receiver.named("grant prizes")]
    assert sum(sizes) == 30 and max(sizes) > 1
    assert all(type(size) is int for size in sizes)


def test_a_failure_has_its_sqlstate(receiver, queue, worker, prizes):
    prizes.execute("ALTER TABLE ledger RENAME TO books")
    admin = Admin(worker.start("--admin", "0"))
    queue.send(item(somebody(1)))
    (span, *_) = receiver.wait_for("grant prizes")
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "42P01"
    assert span.raw.status.code == span.raw.status.STATUS_CODE_ERROR
    failed = {"error_type": "42P01"} | GRANTS
    wait_until(lambda: admin.value("db_client_operation_duration_seconds_count", **failed), "it is counted")
    prizes.execute("ALTER TABLE books RENAME TO ledger")
    prizes.wait_for(somebody(1))
