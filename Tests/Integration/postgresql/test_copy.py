"""`worker prizes copy` from SQLite to PostgreSQL and back, killed in the middle and run again."""

import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from support import wait_until
from support.events import CATALOG, UNLINKED, account_linked, item
from support.postgres import PostgresPrizes, use_postgres
from support.prizes import Prizes

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
ROWS = 40_000
PASSWORD = "s3cret"
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' "
    "AND pid <> pg_backend_pid()"
)
"""How many others are connected to the database."""


@pytest.fixture
def worker(make_worker, queue):
    """On SQLite, with what a bot of some size has awarded."""
    worker = make_worker(queue)
    Prizes(worker).import_catalog(CATALOG)
    queue.send(item(UNLINKED, 5))
    worker.run_until_empty()
    with closing(sqlite3.connect(worker.database)) as database, database:
        rows = ((f"key {number:06}", str(10**17 + number)) for number in range(ROWS))
        for key, account in rows:
            database.execute("INSERT INTO handled_events VALUES ('ITEM_AWARDED', ?, '{}', '2026-11-01T00:00:00Z')", (key,))
            database.execute(
                "INSERT INTO ledger (at, change, discord_user_id, item_type_id, quantity, event_type, key) "
                "VALUES ('2026-11-01T00:00:00Z', 'pending', ?, 'cluid123abc', 1, 'ITEM_AWARDED', ?)",
                (account, key),
            )
    return worker


def copy(worker, source, target):
    return ["prizes", "copy", "--from", source, "--to", target, "--routes", worker.write_routes()]


def kill(worker, arguments, is_halfway):
    """Once it is halfway: it is stopped while that is looked at, so that it is not done meanwhile."""
    process = subprocess.Popen(
        [worker.binary, *map(str, arguments)], cwd=worker.folder, env=worker.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        for line in process.stderr:
            if line.startswith("handled_events: 0 of"):
                break

        def stops_halfway():
            process.send_signal(signal.SIGSTOP)
            if is_halfway():
                return True
            process.send_signal(signal.SIGCONT)
            return False

        try:
            wait_until(stops_halfway, "some rows are copied")
        finally:
            process.kill()
    assert process.returncode == -9


def test_there_and_back(queue, worker, cluster, database):
    uri = cluster.uri(database).replace("worker@", f"worker:{PASSWORD}@")
    there = copy(worker, f"sqlite:{worker.database}", uri)
    prizes = PostgresPrizes(worker, cluster, database)
    rows = "SELECT rows FROM prize_copy WHERE table_name = 'handled_events'"
    kill(worker, there, lambda: prizes.query(rows)[0][0] > 0)
    # Its last commit may have been under way.
    wait_until(lambda: prizes.query(OTHERS) == [(0,)], "the server has noticed the end of the copy")
    [(copied,)] = prizes.query(rows)
    assert 0 < copied < ROWS
    # No worker begins on half of it.
    use_postgres(worker, uri)
    refused = worker.command("run", "--routes", worker.write_routes()).failed()
    assert "has not finished; run `worker prizes copy` again" in refused.output
    done = worker.command(*there).succeeded()
    assert f"{ROWS + 1} handled_events, {ROWS + 1} ledger" in done.stdout and "counts and sums agree" in done.stdout
    assert f"handled_events: {copied} of {ROWS + 1} rows" in done.stderr
    assert "--to has a password, which other users of this machine can see" in done.stderr
    assert PASSWORD not in done.output + refused.output
    # It grants, claims and knows what was handled.
    queue.send(account_linked(UNLINKED, "bob"))
    worker.run_until_empty()
    assert prizes.owned("bob") == {"cluid123abc": 5}
    again = worker.command(*there).failed()
    assert "has rows; name a database that has no prizes and no catalog" in again.output

    back = copy(worker, uri, f"sqlite:{worker.folder}/back.db")
    worker.command(*back).succeeded()
    with closing(sqlite3.connect(worker.folder / "back.db")) as database:
        assert database.execute("SELECT count(*) FROM ledger").fetchall() == [(ROWS + 2,)]
        assert database.execute("SELECT owner_user_id, quantity FROM items").fetchall() == [("bob", 5)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_copy_beside_a_worker_says_what_it_lacks(queue, worker, cluster, database):
    running = worker.start()
    process = subprocess.Popen(
        [worker.binary, *map(str, copy(worker, f"sqlite:{worker.database}", cluster.uri(database)))],
        cwd=worker.folder, env=worker.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    prizes = PostgresPrizes(worker, cluster, database)
    with process, prizes.connect() as connection:
        assert process.stderr.readline().startswith("communities: 0 of")
        # Its last table waits until the worker has granted something.
        connection.autocommit = False
        connection.execute("LOCK TABLE ledger IN SHARE MODE")
        queue.send(item(UNLINKED, 2))
        queue.wait_until_empty()
        connection.rollback()
        _, said = process.communicate()
    running.stop()
    assert process.returncode == 0, said
    assert "was written to while it was copied" in said
    # One state, of before.
    assert prizes.waiting_quantity(UNLINKED) == 5
