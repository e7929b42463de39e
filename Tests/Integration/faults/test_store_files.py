"""A database file that may not be written, is no file, or goes away: the worker says so, and no event is lost."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from support import wait_until
from support.events import CATALOG, item, somebody
from support.faults import check_all, send_events, start, wait_until_logged
from support.prizes import Prizes

# The worker is what is tested, so one server is enough.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

NOBODY = 65534


@pytest.fixture
def unprivileged(worker, binary):
    """Permissions count for it: where the tests run as root, it runs as nobody, in a folder that anyone may enter.

    Yields the options to start it with."""
    if os.geteuid() != 0:
        yield {}
        return
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    worker.folder, worker.database = folder, folder / "prizes.db"
    worker.environment.update(HOME=str(folder), TMPDIR=str(folder))
    worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{worker.database}"
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        subprocess.run([binary, "--help"], capture_output=True, check=True, **options)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"root may write what may only be read, and nobody may not run the worker here: {error}")
    yield options
    shutil.rmtree(folder)


def test_a_file_that_may_only_be_read(queue, worker, unprivileged):
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    for path in worker.folder.glob("prizes.db*"):
        path.chmod(0o444)
    send_events(queue)
    running = worker.start(**unprivileged)
    assert running.wait() > 0
    assert f"{worker.database}: attempt to write a readonly database" in running.log()
    assert "must be able to write the file and its folder" in running.log()
    assert queue.size() == 20

    for path in worker.folder.glob("prizes.db*"):
        path.chmod(0o600)
        if unprivileged:
            os.chown(path, NOBODY, NOBODY)
    check_all(queue, prizes, worker.start(**unprivileged))


def test_a_folder_in_place_of_the_file_when_it_starts(queue, worker, prizes):
    send_events(queue)
    aside = worker.database.rename(worker.database.with_suffix(".aside"))
    worker.database.mkdir()
    running = worker.start()
    assert running.wait() > 0
    assert f"{worker.database}: unable to open database file" in running.log()
    assert queue.size() == 20

    worker.database.rmdir()
    aside.rename(worker.database)
    check_all(queue, prizes, worker.start())


REPLACEMENTS = ["nothing", "a folder", "another database"]


def replace(replaced_by, worker, prizes):
    if replaced_by == "a folder":
        worker.database.mkdir()
    elif replaced_by == "another database":
        prizes.import_catalog(CATALOG)


def wait_until_all_is_handled_or_it_complains(queue, worker, running):
    wait_until(
        lambda: queue.size() == 0 or str(worker.database) in running.log() or not running.is_running,
        "the events are handled, or the log says why not",
    )
    if running.is_running:
        running.stop(deadline=20)


def put_aside(worker, name):
    folder = worker.folder / name
    folder.mkdir()
    for path in worker.folder.glob("prizes.db*"):
        path.rename(folder / path.name)
    return folder


@pytest.mark.parametrize("replaced_by", REPLACEMENTS)
def test_the_file_is_moved_away_while_it_runs_and_back(replaced_by, queue, worker, prizes):
    running = start(worker, queue, prizes)
    aside = put_aside(worker, "aside")
    replace(replaced_by, worker, prizes)
    send_events(queue)
    wait_until_all_is_handled_or_it_complains(queue, worker, running)

    put_aside(worker, "replaced")
    for path in aside.iterdir():
        path.rename(worker.folder / path.name)
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


@pytest.mark.parametrize("replaced_by", REPLACEMENTS)
def test_the_file_is_deleted_while_it_runs(replaced_by, queue, worker, prizes):
    """What is awarded from then on is on the queue until there is a database again, or it is in the new one."""
    running = start(worker, queue, prizes)
    for path in worker.folder.glob("prizes.db*"):
        path.unlink()
    replace(replaced_by, worker, prizes)
    send_events(queue)
    wait_until_all_is_handled_or_it_complains(queue, worker, running)

    if replaced_by == "a folder":
        worker.database.rmdir()
    prizes.import_catalog(CATALOG)
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


def log_of(worker):
    return worker.database.with_name("prizes.db-wal")


def delete(path):
    path.unlink()


def move(path):
    path.rename(path.with_suffix(".aside"))


def replace_by_a_copy(path):
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    copy.replace(path)


@pytest.mark.parametrize("mishap", [delete, move, replace_by_a_copy])
def test_the_write_ahead_log_goes_away_and_the_worker_is_killed(mishap, queue, worker, prizes):
    """What was granted before is in the database, what comes later is on the queue."""
    running = start(worker, queue, prizes)
    send_events(queue, 10)
    queue.wait_until_empty()
    mishap(log_of(worker))
    for number in range(11, 21):
        queue.send(item(somebody(number), number))
    wait_until_logged(running, "was moved, deleted or replaced while it was open")
    assert queue.size() == 10
    running.kill()

    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


@pytest.mark.parametrize("name", ["prizes.db-wal", "prizes.db-shm"])
def test_a_catalog_is_imported_beside_a_worker_whose_log_went_away(name, queue, worker, prizes):
    """The worker that stops after that must not bring its own log into the database."""
    running = start(worker, queue, prizes)
    send_events(queue, 10)
    queue.wait_until_empty()
    worker.database.with_name(name).unlink()
    for number in range(11, 21):
        queue.send(item(somebody(number), number))
    wait_until_logged(running, "was moved, deleted or replaced while it was open")
    characters = [{"id": f"new-{number}", "name": f"New {number}"} for number in range(500)]
    prizes.import_catalog({"characters": characters})
    running.stop()

    assert prizes.query("SELECT count(*) FROM characters WHERE id LIKE 'new-%'") == [(500,)]
    assert prizes.query("PRAGMA integrity_check") == [("ok",)]
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


@pytest.mark.parametrize("size", [0, 4096])
def test_the_write_ahead_log_is_cut_short(size, queue, worker, prizes):
    """What was in it is lost, and nothing more: what comes later is on the queue."""
    running = start(worker, queue, prizes)
    os.truncate(log_of(worker), size)
    send_events(queue)
    wait_until_logged(running, "was cut short or written over")
    assert "restore the database from a backup" in running.log()
    assert queue.size() == 20
    running.kill()

    prizes.import_catalog(CATALOG)
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


@pytest.mark.parametrize("name", ["prizes.db-shm", "folder"])
def test_what_else_a_commit_rests_on_goes_away_and_the_worker_is_killed(name, queue, worker, prizes):
    folder = worker.folder / "data"
    folder.mkdir()
    worker.database = folder / "prizes.db"
    worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{worker.database}"
    prizes.import_catalog(CATALOG)
    running = start(worker, queue, prizes)
    (folder if name == "folder" else folder / name).rename(worker.folder / "aside")
    send_events(queue)
    wait_until_logged(running, "was moved, deleted or replaced while it was open")
    assert queue.size() == 20
    running.kill()

    if name == "folder":
        (worker.folder / "aside").rename(folder)
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


def test_damaged_pages(queue, worker, prizes):
    """Everything waits for a database that is whole: the one that an operator restores."""
    running = start(worker, queue, prizes)
    send_events(queue, 300)
    queue.wait_until_empty()
    running.stop()
    # Closing brought all of it into the database file.
    backup = shutil.copy(worker.database, worker.folder / "backup.db")
    damage(worker.database, "handled_events")

    running = worker.start()
    send_events(queue, 300)
    wait_until_logged(running, "stop the worker, and restore the file from a backup")
    assert queue.size() == 300
    running.stop()

    shutil.copy(backup, worker.database)
    running = worker.start()
    queue.wait_until_empty()
    rows = prizes.query("SELECT sum(quantity) FROM items")
    assert rows == [(1 + 2 * sum(range(1, 301)),)]
    assert queue.dead_letters() == []
    running.stop()


def damage(path, tree):
    """Fills all pages of a table with zeros, as a disk does that lost them."""
    with closing(sqlite3.connect(path)) as database:
        try:
            pages = database.execute("SELECT pageno FROM dbstat WHERE name = ?", (tree,)).fetchall()
        except sqlite3.OperationalError as error:
            pytest.skip(f"needs SQLite's dbstat: {error}")
    with open(path, "r+b") as file:
        for (page,) in pages:
            file.seek((page - 1) * 4096)
            file.write(bytes(4096))


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0, 0o777])
def test_the_files_are_for_their_owner_alone_whatever_the_umask(umask, queue, worker):
    running = worker.start(umask=umask)
    wait_until_logged(running, "consumer started")
    files = sorted(worker.folder.glob("prizes.db*"))
    assert [(path.name, mode(path)) for path in files] == [
        ("prizes.db", 0o600),
        ("prizes.db-shm", 0o600),
        ("prizes.db-wal", 0o600),
    ]
    running.stop()


def test_a_file_that_is_shared_on_purpose_stays_so(queue, worker, prizes):
    worker.database.chmod(0o660)
    running = worker.start(umask=0o077)
    wait_until_logged(running, "consumer started")
    assert {path.name: mode(path) for path in worker.folder.glob("prizes.db*")} == {
        "prizes.db": 0o660,
        "prizes.db-shm": 0o660,
        "prizes.db-wal": 0o660,
    }
    running.stop()
