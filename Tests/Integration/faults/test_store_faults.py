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
from support.faults import check_all, send_events, start, wait_until_logged
from support.prizes import Prizes

# The worker is what is tested, so one server is enough.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


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
        send_events(queue)
        wait_until_logged(running, "database is locked")
    check_all(queue, prizes, running)


def test_locked_when_it_starts(queue, worker, prizes):
    """For less than the five seconds that are waited for a lock."""
    send_events(queue)
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
    send_events(queue)
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
    send_events(queue)
    wait_until_logged(running, "database or disk is full")
    assert "free space on its disk" in running.log()
    filler.unlink()
    check_all(queue, prizes, running)


@pytest.fixture
def disk_that_hangs(tmp_path):
    """Yields a folder on a file system of its own, and what holds up all writes to it for a while."""
    if os.geteuid() != 0 or not shutil.which("fsfreeze"):
        pytest.skip("needs root and fsfreeze")
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with open(image, "wb") as file:
        file.truncate(16 * 1024 * 1024)
    for command in (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, folder]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount a file system of its own: {done.stderr.strip()}")

    @contextmanager
    def hangs():
        subprocess.run(["fsfreeze", "--freeze", folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", folder], check=True)

    yield folder, hangs
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_disk_that_hangs(queue, worker, disk_that_hangs):
    """Its events run into their timeout, whatever becomes of the call that waits for the disk."""
    folder, hangs = disk_that_hangs
    worker.database = folder / "prizes.db"
    worker.routes["plugins"]["prizes"]["database"] = f"sqlite:{worker.database}"
    worker.routes["defaults"]["timeout"] = "1s"
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    running = start(worker, queue, prizes)
    with hangs():
        send_events(queue)
        wait_until_logged(running, '"timeout"')
    check_all(queue, prizes, running)


def fill(path):
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                pass
