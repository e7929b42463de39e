"""A database file that may not be written, is no file, or goes away: the worker says so, and no event is lost."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support import wait_until
from support.events import CATALOG
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
    assert running.wait(20) > 0
    assert f"{worker.database}: attempt to write a readonly database" in running.log()
    assert "must be able to write the file and its folder" in running.log()
    assert queue.size() == 20

    for path in worker.folder.glob("prizes.db*"):
        path.chmod(0o666)
    check_all(queue, prizes, worker.start(**unprivileged))


def test_a_folder_in_place_of_the_file_when_it_starts(queue, worker, prizes):
    send_events(queue)
    aside = worker.database.rename(worker.database.with_suffix(".aside"))
    worker.database.mkdir()
    running = worker.start()
    assert running.wait(20) > 0
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
