"""A start that takes long: health says why from the beginning, and a signal ends it at once."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from support import takes_at_most, wait_until
from support.admin import Admin
from support.trials import Trials

NEW_NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


@pytest.fixture
def silent():
    """Takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def queue(silent):
    """Nobody answers for it, so no server is started."""
    return SimpleNamespace(url=f"{silent}/000000000000/silent-1", name="silent-1")


@pytest.fixture
def worker(make_worker, silent):
    worker = make_worker(SimpleNamespace(url=f"{silent}/000000000000/silent-1"))
    for number in (2, 3):
        worker.routes["queues"][f"more{number}"] = {
            **worker.settings,
            "url": f"{silent}/000000000000/silent-{number}",
        }
    yield worker
    worker.close()
    worker.started.clear()


@pytest.fixture
def hanging(binary, tmp_path, silent):
    """A worker whose plugin is never made."""
    trials = Trials(binary, tmp_path, f"{silent}/000000000000/silent-1")
    yield trials
    trials.close()


@pytest.mark.parametrize("arguments, code", [([], 0), (["--until-empty"], 75)], ids=["run", "until empty"])
def test_while_queues_are_silent(arguments, code, worker):
    running = worker.start("--admin", "0", *arguments)
    admin = Admin(running)

    # One request each time, for it asks for five seconds.
    def asks_all():
        status, body = admin.readiness()
        return all(f"asks the queue silent-{number}" in str(body) for number in (1, 2, 3)) and (status, body)

    status, body = wait_until(asks_all, "it asks all at once")
    assert status == 503
    assert body["reasons"][0].startswith("starting: asks the queue silent-")
    assert admin.get("/health/live").status == 200
    running.terminate()
    with takes_at_most(10, "ending in its first seconds"):
        assert running.wait() == code


def test_silent_queues_hold_up_the_start_once_and_not_each(worker, prizes):
    with takes_at_most(30, "the start, of which all queues take five seconds together"):
        admin = Admin(worker.start("--admin", "0"))
        wait_until(lambda: "starting" not in str(admin.readiness()[1]["reasons"]), "it has started", deadline=60)


@pytest.mark.parametrize("how", ["blocks", "waits"])
def test_a_plugin_that_is_never_made(how, hanging):
    hanging.environment["TRIAL_INIT"] = how
    running = hanging.start("--admin", "0")
    admin = Admin(running)
    wait_until(
        lambda: "starting: makes the plugin trial" in str(admin.readiness()), "the plugin is named", deadline=60
    )
    assert admin.get("/health/live").status == 200
    running.terminate()
    with takes_at_most(10, "ending while a plugin is made"):
        assert running.wait() == 0


@pytest.mark.parametrize("how", ["blocks", "waits"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_dev_with_a_plugin_that_is_never_made(how, name, hanging):
    hanging.environment["TRIAL_INIT"] = how
    running = hanging.start_command("dev", "--port", "0", "--routes", hanging.write_routes())
    wait_until((hanging.folder / "init").exists, "the plugin is being made")
    running.signal(getattr(signal, name))
    with takes_at_most(10, "ending while a plugin is made"):
        assert running.wait() == 0


@contextlib.contextmanager
def as_first_process(worker, *arguments):
    """As in a container; yields it as this process's namespace has it, and a function for its exit status."""
    if not shutil.which("unshare") or subprocess.run([*NEW_NAMESPACE, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare, and a kernel that lets users have namespaces")
    log = open(worker.folder / "log", "wb")
    process = subprocess.Popen(
        [*NEW_NAMESPACE, worker.binary, *map(str, arguments)],
        env=worker.environment,
        cwd=worker.folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        wait_until(lambda: children.read_text().split(), "it has forked")
        yield int(children.read_text().split()[0]), lambda: process.wait(60)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_as_the_first_process_of_a_container(name, worker):
    with as_first_process(worker, "run", "--routes", worker.write_routes(), "--admin", "0") as (pid, status):
        wait_until(lambda: b"metrics and health are served" in (worker.folder / "log").read_bytes(), "it starts")
        os.kill(pid, getattr(signal, name))
        with takes_at_most(10, "ending in its first seconds"):
            assert status() == 0


def test_a_short_command_as_the_first_process_of_a_container(worker):
    os.mkfifo(worker.folder / "never-written")
    with as_first_process(worker, "send", "never-written", "--queue", "prizes", "--routes", worker.write_routes()) as (
        pid,
        status,
    ):

        def ended_after_another_signal():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            return not Path(f"/proc/{pid}").exists()

        wait_until(ended_after_another_signal, "it ends", deadline=20, interval=0.2)
        assert status() == 128 + signal.SIGTERM
