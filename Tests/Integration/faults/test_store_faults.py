"""What can happen to the database, for a while; then the worker catches up by itself, or it says what is wrong.

Whatever happens, no event is lost: it is granted, or it is still on the queue."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import wait_until
from support.events import CATALOG, item, somebody
from support.prizes import Prizes

EVENTS = 20
NOBODY = 65534

LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def server(servers):
    """One: what is tested is the worker."""
    return servers("LocalQueue")


@pytest.fixture
def queue(make_queue):
    # What the redrive policy makes of an event that fails again and again is not what is tested here.
    return make_queue(max_receive_count=100, visibility_timeout=2)


@pytest.fixture
def worker(worker):
    worker.settings.update(visibilityTimeout="2s", maxReceiveCount=100)
    return worker


def start(worker, queue, prizes, **options):
    """A worker that is known to work."""
    running = worker.start(**options)
    queue.send(item(somebody(0)))
    prizes.wait_for(somebody(0))
    queue.wait_until_empty()
    return running


def send_all(queue):
    """To a user each: to the first one item, to the second two."""
    for number in range(1, EVENTS + 1):
        queue.send(item(somebody(number), number))


def granted(prizes):
    rows = prizes.query("SELECT pending_discord_user_id, sum(quantity) FROM items GROUP BY 1")
    return {user: quantity for user, quantity in rows if user != somebody(0)}


def wait_until_logged(running, word):
    what = f"the log says {word!r}"
    wait_until(lambda: word in running.log() or not running.is_running, what)
    assert word in running.log(), f"it ended without saying {word!r}\n{running.log()}"


def check_all(queue, prizes, running):
    queue.wait_until_empty(60)
    assert granted(prizes) == {somebody(number): number for number in range(1, EVENTS + 1)}
    assert queue.dead_letters() == []
    running.stop(deadline=20)


@contextmanager
def locked_by_another_process(database):
    command = [sys.executable, "-c", LOCK, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"locked\n"
            yield
        finally:
            process.kill()


def test_locked_by_another_process_that_is_killed(queue, worker, prizes):
    running = start(worker, queue, prizes)
    with locked_by_another_process(worker.database):
        send_all(queue)
        wait_until_logged(running, "database is locked")
    check_all(queue, prizes, running)


def test_locked_when_it_starts(queue, worker, prizes):
    """For less than the five seconds that are waited for a lock."""
    send_all(queue)
    with locked_by_another_process(worker.database):
        running = worker.start()
        wait_until(lambda: opened(running, worker.database), "the worker has opened the database", interval=0.01)
    check_all(queue, prizes, running)


def opened(running, path):
    folder = Path(f"/proc/{running.process.pid}/fd")
    if not folder.exists():
        pytest.skip("needs /proc")
    for link in folder.iterdir():
        try:
            if os.readlink(link) == str(path):
                return True
        except FileNotFoundError:
            pass
    return False


def test_no_room_under_a_limit_of_the_file_size(queue, worker, prizes):
    """To SQLite, a write that fails. The limit is put on the running process, and taken off again."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("needs prlimit(2)")
    # Python ignores SIGXFSZ, and so does what it starts, unless signals are restored.
    running = start(worker, queue, prizes, restore_signals=False)
    log_to_come = 64 * 1024
    written_ahead = Path(f"{worker.database}-wal")

    def is_longer_than_the_log_will_be():
        queue.send(item(somebody(0)))
        return written_ahead.stat().st_size > log_to_come

    wait_until(is_longer_than_the_log_will_be, "the write-ahead log has grown")
    queue.wait_until_empty()
    size = written_ahead.stat().st_size
    unlimited = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (size, unlimited[1]))
    send_all(queue)
    wait_until_logged(running, "disk I/O error")
    assert "check its disk" in running.log()
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, unlimited)
    check_all(queue, prizes, running)


@pytest.fixture
def small_disk():
    folder = tempfile.mkdtemp()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True) if shutil.which("mount") else None
    if mounted is None or mounted.returncode != 0:
        os.rmdir(folder)
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip() if mounted else 'no mount'}")
    yield Path(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
    os.rmdir(folder)


def test_a_full_disk(queue, worker, small_disk):
    worker.database = small_disk / "prizes.db"
    worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{worker.database}"
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    running = start(worker, queue, prizes)
    filler = small_disk / "filler"
    fill(filler)
    send_all(queue)
    wait_until_logged(running, "database or disk is full")
    assert "free space on its disk" in running.log()
    filler.unlink()
    check_all(queue, prizes, running)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                pass


@pytest.fixture
def unprivileged(worker, binary):
    """A worker whose folder anyone may enter; returns the options to start it so that permissions count."""
    if os.geteuid() != 0:
        return {}
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    worker.folder, worker.database = folder, folder / "prizes.db"
    worker.environment.update(HOME=str(folder), TMPDIR=str(folder))
    worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{worker.database}"
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    if subprocess.run([binary, "--help"], capture_output=True, **options).returncode != 0:
        pytest.skip("root may write what may only be read, and nobody may not run the worker here")
    yield options
    shutil.rmtree(folder)


def test_a_file_that_may_only_be_read(queue, worker, unprivileged):
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    for path in worker.folder.glob("prizes.db*"):
        path.chmod(0o444)
    send_all(queue)
    running = worker.start(**unprivileged)
    assert running.wait(20) > 0
    assert f"{worker.database}: attempt to write a readonly database" in running.log()
    assert "must be able to write the file and its folder" in running.log()
    assert queue.size() == EVENTS

    for path in worker.folder.glob("prizes.db*"):
        path.chmod(0o666)
    check_all(queue, prizes, worker.start(**unprivileged))


def test_a_folder_in_place_of_the_file_when_it_starts(queue, worker, prizes):
    send_all(queue)
    aside = worker.database.rename(worker.database.with_suffix(".aside"))
    worker.database.mkdir()
    running = worker.start()
    assert running.wait(20) > 0
    assert f"{worker.database}: unable to open database file" in running.log()
    assert queue.size() == EVENTS

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
    send_all(queue)
    wait_until_all_is_handled_or_it_complains(queue, worker, running)

    put_aside(worker, "replaced")
    for path in aside.iterdir():
        path.rename(worker.folder / path.name)
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)


@pytest.mark.xfail(
    strict=True,
    reason="the worker goes on writing to a file that has no name any more, and deletes the messages: "
    "SQLite does not notice (SQLITE_FCNTL_HAS_MOVED would)",
)
@pytest.mark.parametrize("replaced_by", REPLACEMENTS)
def test_the_file_is_deleted_while_it_runs(replaced_by, queue, worker, prizes):
    """What is awarded from then on is on the queue until there is a database again, or it is in the new one."""
    running = start(worker, queue, prizes)
    for path in worker.folder.glob("prizes.db*"):
        path.unlink()
    replace(replaced_by, worker, prizes)
    send_all(queue)
    wait_until_all_is_handled_or_it_complains(queue, worker, running)

    if replaced_by == "a folder":
        worker.database.rmdir()
    prizes.import_catalog(CATALOG)
    running = worker.start()
    wait_until_logged(running, "consumer started")
    check_all(queue, prizes, running)
