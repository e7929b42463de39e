"""The prize database: what would happen if the worker started now. Nothing is made or changed."""

import sqlite3
from contextlib import closing

import pytest

from support.faults import wait_until_logged

# What the queue is does not matter here.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def change(worker, sql):
    with closing(sqlite3.connect(worker.database)) as database, database:
        database.execute(sql)


def names(worker):
    return sorted(path.name for path in worker.folder.iterdir())


def test_no_file_yet(doctor, worker):
    report = doctor()
    assert report.code == 0
    assert "prizes import" in report.one("plugin", "warning")["remedy"][0]
    assert names(worker) == ["routes.yaml"]


def test_no_folder(doctor, worker):
    folder = worker.folder / "a folder"
    worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{folder}/prizes.db"
    report = doctor()
    assert report.code == 1
    assert report.one("plugin", "wrong")["remedy"] == [f"mkdir -p '{folder}'"]
    assert names(worker) == ["routes.yaml"]


def test_an_empty_catalog(doctor, worker, prizes):
    for table in ("linked_accounts", "characters", "item_types", "communities"):
        change(worker, f"DELETE FROM {table}")
    warning = doctor().one("plugin", "warning")
    assert "empty" in warning["message"] and "prizes import" in warning["remedy"][0]


def test_tables_of_a_newer_worker(doctor, worker, prizes):
    change(worker, "INSERT INTO grdb_migrations (identifier) VALUES ('v99')")
    report = doctor()
    assert report.code == 1
    assert "newer version" in report.one("plugin", "wrong")["message"]


def test_tables_of_an_older_worker_stay_as_they_are(doctor, worker, prizes):
    change(worker, "DELETE FROM grdb_migrations")
    files = names(worker)
    report = doctor()
    warning = report.one("plugin", "warning")
    assert report.code == 0 and "lack v1" in warning["message"]
    assert names(worker) == files
    assert prizes.query("SELECT count(*) FROM grdb_migrations") == [(0,)]


def test_a_file_that_is_no_database(doctor, worker):
    worker.database.write_text("This is a letter to a friend, and not what a worker can keep prizes in. " * 20)
    content = worker.database.read_bytes()
    report = doctor()
    assert report.code == 1
    assert str(worker.database) in report.one("plugin", "wrong")["message"]
    assert worker.database.read_bytes() == content


def test_a_database_that_someone_else_keeps_locked(doctor, prizes):
    with prizes.locked():
        report = doctor()
    assert report.code == 1
    assert "lock" in report.one("plugin", "wrong")["message"]


def test_beside_a_worker_that_runs(doctor, worker, queue, prizes):
    running = worker.start()
    try:
        wait_until_logged(running, "consumer started")
        assert doctor().having("wrong") == []
    finally:
        running.stop()


def test_damaged_pages(doctor, worker, prizes):
    with closing(sqlite3.connect(worker.database)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'items_by_type'").fetchone()
    with open(worker.database, "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    report = doctor()
    assert report.code == 1
    assert "is damaged" in report.one("plugin", "wrong")["message"]
