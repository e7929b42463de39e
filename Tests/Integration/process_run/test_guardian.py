"""What a program has started itself ends with the worker, even when the worker is killed."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from support import wait_until
from support.programs import is_alive, wait_until_gone

pytestmark = [
    pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a guardian"),
]

SCRIPTS = {"worker": "child.py", "once": "once.py"}


@pytest.fixture
def start_forks(programs, queue):
    """Starts a worker whose programs each start another one; returns the worker and how to have one more."""

    def fork(count):
        before = len(programs.all("forked"))
        for _ in range(count):
            queue.send({"eventType": "TOLD", "do": "fork stubbornly"})
        return programs.wait_for("forked", before + count)[before:]

    def start(mode="worker", count=1):
        command = [sys.executable, SCRIPTS[mode]]
        programs.route("TOLD", command, mode=mode, processes=4, timeout="300s")
        running = programs.start()
        return running, fork(count), fork

    return start


def guardians(running):
    """The processes that the worker has started to guard what programs start."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = path.joinpath("stat").read_text().rpartition(")")[2].split()[1]
            command = path.joinpath("cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == running.process.pid and command[1:2] == [b"--guard-process-groups"]:
            found.append(int(path.name))
    return found


@pytest.mark.parametrize("mode", SCRIPTS)
def test_what_programs_have_started_ends_with_a_worker_that_is_killed(programs, start_forks, mode):
    running, forked, _ = start_forks(mode, 3)
    (guardian,) = guardians(running)
    assert all(map(is_alive, forked))
    running.kill()
    wait_until_gone([*forked, *programs.pids(), guardian])


@pytest.mark.parametrize("mode", SCRIPTS)
def test_a_stop_leaves_neither_the_guardian_nor_what_it_guards(programs, queue, mode):
    programs.route("TOLD", [sys.executable, SCRIPTS[mode]], mode=mode)
    queue.send({"eventType": "TOLD", "do": "fork"})
    running = programs.start()
    forked = programs.wait_for("forked")
    queue.wait_until_empty()
    (guardian,) = guardians(running)
    running.stop()
    wait_until_gone([*forked, *programs.pids(), guardian])


def test_signals_do_not_end_the_guardian(start_forks):
    running, forked, _ = start_forks()
    (guardian,) = guardians(running)
    assert os.getsid(guardian) == guardian, "a signal of a terminal or a process group does not reach it"
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        os.kill(guardian, number)
    running.kill()
    wait_until_gone([*forked, guardian])


def test_a_guardian_that_was_killed_is_replaced(start_forks):
    running, first, fork = start_forks()
    (killed,) = guardians(running)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not is_alive(killed), "the guardian is gone")
    (second,) = fork(1)
    assert is_alive(first[0])
    (guardian,) = guardians(running)
    assert guardian != killed and not os.path.exists(f"/proc/{killed}"), "it is no zombie either"
    running.kill()
    wait_until_gone([*first, second, guardian])


def test_a_guardian_that_is_stopped_holds_up_nothing(programs, queue, start_forks):
    programs.route("MANY", [sys.executable, "once.py"], mode="once")
    running, forked, _ = start_forks()
    (guardian,) = guardians(running)
    os.kill(guardian, signal.SIGSTOP)
    queue.send({"eventType": "MANY", "name": "beside it"})
    programs.wait_for("done")
    running.kill()
    # Its programs are tied to the worker themselves.
    wait_until_gone(programs.pids())
    os.kill(guardian, signal.SIGCONT)
    wait_until_gone([*forked, guardian])


def test_the_guardian_holds_open_nothing_of_the_worker(start_forks):
    running, _, _ = start_forks()
    (guardian,) = guardians(running)
    wait_until(lambda: os.listdir(f"/proc/{guardian}/fd") == ["0"], "it has its standard input alone")
    assert os.readlink(f"/proc/{guardian}/cwd") == "/"
    running.kill()
    wait_until_gone([guardian])


def test_no_program_inherits_what_the_guardian_listens_to(programs, start_forks):
    """It would outlive the worker, and the guardian with it."""
    running, forked, _ = start_forks(count=2)
    for pid in [*programs.pids(), *forked]:
        files = {}
        for name in os.listdir(f"/proc/{pid}/fd"):
            # One that has just begun opens and closes its libraries.
            with suppress(FileNotFoundError):
                files[name] = os.readlink(f"/proc/{pid}/fd/{name}")
        assert not [file for file in files.values() if file.startswith("socket:")], files
    running.kill()
    wait_until_gone(forked)
