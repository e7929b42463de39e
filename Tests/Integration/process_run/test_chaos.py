"""Programs that fail at random in workers that are killed at random: every event arrives at least once, and is recorded
once by its key."""

import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from support import wait_until
from support.programs import is_alive

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def queue(make_queue):
    return make_queue(max_receive_count=1000, visibility_timeout=3)


def is_told(pid, variable):
    """Whether a process has it in its environment: where many begin, an old number is soon another process's."""
    try:
        return variable.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


@pytest.mark.parametrize("mode", ["worker", "once"])
def test_every_event_is_recorded_once_by_its_key(programs, queue, request, mode):
    seed = request.config.getoption("--seed")
    total = min(request.config.getoption("--events") or 200, 2000)
    print(f"\n{total} events, seed {seed}")
    draw = random.Random(f"{seed} {mode}")
    ledger = sqlite3.connect(programs.folder / "ledger.db", isolation_level=None)
    ledger.executescript(
        "PRAGMA journal_mode = WAL;"
        "CREATE TABLE prizes (key TEXT PRIMARY KEY, name TEXT NOT NULL); CREATE TABLE attempts (name TEXT NOT NULL)"
    )
    pids = programs.folder / "pids"
    pids.touch()
    programs.environment |= {"LEDGER": str(programs.folder / "ledger.db"), "PIDS": str(pids)}
    programs.settings["visibilityTimeout"] = "3s"
    options = {"environment": ["LEDGER", "PIDS"], "processes": 3, "mode": mode}
    programs.route("WON", [sys.executable, "ledger.py", mode], timeout="2s", **options)
    if mode == "worker":
        programs.routes["routes"]["WON"]["with"]["concurrency"] = 2
    for number in range(total):
        for _ in range(draw.choice([1, 1, 1, 2])):
            queue.send({"eventType": "WON", "name": str(number)}, {"IdempotencyKey": f"win-{number}"})

    def begun():
        return [int(pid) for pid in pids.read_text().split()]

    def alive():
        return [pid for pid in begun() if is_alive(pid) and is_told(pid, f"PIDS={pids}")]

    running = programs.start("--shutdown-deadline", "1s")
    end = time.monotonic() + 300 + total / 5
    torments = 0
    while queue.size() > 0 and time.monotonic() < end:
        time.sleep(draw.uniform(0.3, 1.0))
        torment = draw.random()
        if torment < 0.15:
            running.kill()
            wait_until(lambda: not alive(), "its processes are gone")
            running = programs.start("--shutdown-deadline", "1s")
        elif torment < 0.25 and "consumer started" in running.log():
            running.stop()
            assert not alive()
            running = programs.start("--shutdown-deadline", "1s")
        elif torment < 0.5:
            if victims := alive():
                try:
                    os.kill(draw.choice(victims), signal.SIGKILL)
                except ProcessLookupError:
                    pass
        elif torment < 0.55:
            # For longer than its leases.
            running.signal(signal.SIGSTOP)
            time.sleep(3.5)
            running.signal(signal.SIGCONT)
        torments += torment < 0.55
        assert running.is_running, running.log()[-4000:]
    wait_until(lambda: queue.size() == 0, "all are handled", 60)
    # One that does not listen to signals yet would be killed by this one.
    wait_until(lambda: "consumer started" in running.log(), "the last worker runs")
    running.stop()

    wanted = {f"producer:win-{number}": str(number) for number in range(total)}
    assert dict(ledger.execute("SELECT key, name FROM prizes")) == wanted
    assert {name for (name,) in ledger.execute("SELECT name FROM attempts")} == set(wanted.values())
    assert queue.dead_letter_count() == 0
    assert not alive()
    print(f"{torments} torments, {len(begun())} processes, {len(programs.started)} workers")
