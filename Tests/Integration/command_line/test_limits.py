"""The operating system's limits on the process: what it needs it takes or asks for, and it never waits in silence."""

import os
import re
import resource
import signal
import subprocess
from contextlib import contextmanager

import pytest

from support import takes_at_most, wait_until
from support.http import Http
from support.server import READY
from support.sqs import ENVIRONMENT
from support.wire import connections

OSERR = 71

USER = 60_000
"""The limit on processes does not bind root. Nobody else is this user."""


@pytest.fixture
def folder(tmp_path):
    # That user reaches it, whatever the folders above it allow.
    path = tmp_path / "work"
    path.mkdir()
    for folder in [path, *path.parents]:
        if folder.stat().st_uid == os.geteuid() and str(folder).count("/") > 1:
            folder.chmod(folder.stat().st_mode | 0o711)
    path.chmod(0o777)
    return path


COMMANDS = {
    "local-queue": ["local-queue", "--port", "0", "--data", "data"],
    "dev": ["dev", "--port", "0", "--data", "data", "--routes", "routes.yaml"],
    "run": ["run", "--routes", "routes.yaml", "--admin", "0"],
    "send": ["send", "--routes", "routes.yaml", "event.json"],
}


@contextmanager
def started(binary, folder, command, user=None, **limits):
    """The command with limits of its own, as (soft, hard) or as one number; what it prints is in `out` and `err`."""
    (folder / "routes.yaml").write_text(ROUTES)
    (folder / "event.json").write_text('{"eventType": "ITEM_AWARDED"}')

    def limit():
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        for name, value in limits.items():
            both = value if isinstance(value, tuple) else (value, value)
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), both)

    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        process = subprocess.Popen(
            [binary, *COMMANDS[command]],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "AWS_SQS_QUEUE_URL": NOWHERE,
                **ENVIRONMENT,
                **{name: value for name, value in os.environ.items() if name.endswith(("SAN_OPTIONS", "PROFILE_FILE"))},
            },
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            preexec_fn=limit,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


NOWHERE = "http://127.0.0.1:9/000000000000/none"
ROUTES = """
version: 1
queues: { prizes: { url: "${AWS_SQS_QUEUE_URL}", region: us-east-1 } }
plugins: { prizes: { database: "sqlite:prizes.db" } }
routes: { ITEM_AWARDED: { handler: prizes.item } }
"""


def printed(folder):
    return (folder / "out").read_text() + (folder / "err").read_text()


def refused(process, folder):
    """It ends with one line that says why."""
    assert process.wait(timeout=30) == OSERR, printed(folder)
    [line] = (folder / "err").read_text().splitlines()
    assert line.startswith("Error: ")
    assert (folder / "out").read_text() == ""
    assert not (folder / "data").exists()
    return line


STARTED = {
    "local-queue": READY.pattern.strip(),
    "dev": r"Ctrl-C ends it\.",
    "run": "consumer started",
    "send": "nothing answers",
}


def works(process, folder, command):
    """It starts, and ends when it is told to."""
    wait_until(
        lambda: re.search(STARTED[command], printed(folder)) or process.poll() is not None,
        f"it starts: {printed(folder)}",
        60,
    )
    assert re.search(STARTED[command], printed(folder)), printed(folder)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    if command != "send":
        assert process.returncode == 0, printed(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("command", COMMANDS)
def test_too_few_threads_are_named_and_enough_of_them_are_enough(command, binary, folder):
    with started(binary, folder, command, USER, NPROC=5) as process:
        line = refused(process, folder)
    found = re.search(r"ulimit -u.* by (\d+)$", line)
    assert found, line
    with started(binary, folder, command, USER, NPROC=5 + int(found[1]) - 1) as process:
        refused(process, folder)
    with started(binary, folder, command, USER, NPROC=5 + int(found[1])) as process:
        works(process, folder, command)


@pytest.mark.skipif(any("SAN_OPTIONS" in name for name in os.environ), reason="sanitizers reserve terabytes")
@pytest.mark.parametrize("command", ["local-queue", "dev", "run"])
def test_too_little_address_space_is_named_and_enough_is_enough(command, binary, folder):
    with started(binary, folder, command, AS=200_000 << 10) as process:
        line = refused(process, folder)
    found = re.search(r"\(ulimit -v\) to (\d+)$", line)
    assert found, line
    with started(binary, folder, command, AS=int(found[1]) << 10) as process:
        works(process, folder, command)


@pytest.mark.parametrize("command", COMMANDS)
def test_too_few_descriptors_are_named_and_enough_of_them_are_enough(command, binary, folder):
    with started(binary, folder, command, NOFILE=16) as process:
        line = refused(process, folder)
    found = re.search(r"needs (\d+) to start.*ulimit -n", line)
    assert found, line
    with started(binary, folder, command, NOFILE=int(found[1])) as process:
        works(process, folder, command)


def test_with_few_descriptors_there_are_fewer_connections(binary, folder):
    with started(binary, folder, "local-queue", NOFILE=32) as process:
        endpoint = wait_until(lambda: READY.search(printed(folder)), "it is ready")[1]
        with connections(endpoint, 100), takes_at_most(10, "an answer beside more than it has descriptors for"):
            assert Http(endpoint).request("GET", "/").status == 200
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_the_limit_on_descriptors_is_raised_as_far_as_it_may(binary, folder):
    with started(binary, folder, "local-queue", NOFILE=(16, 300)) as process:
        wait_until(lambda: READY.search(printed(folder)), "it is ready")
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (300, 300)
