"""Large messages that wait for a plugin that is down: what is in flight is bounded in bytes, too."""

import time
import uuid

import pytest

from support import wait_until
from support.admin import Admin
from support.memory import resident_megabytes
from support.queue import Queue
from support.sqs import client, create_queue
from support.trials import Trials, trial

MESSAGES = 100
SIZE = 1_000_000


@pytest.fixture
def queue(servers):
    server = servers("LocalQueue")
    sqs = client(server.endpoint)
    return Queue(sqs, server, *create_queue(sqs, f"large-{uuid.uuid4().hex[:12]}"))


def test_they_wait_on_the_queue_and_not_in_memory(binary, tmp_path, queue):
    trials = Trials(binary, tmp_path, queue.url)
    trials.down.touch()
    for number in range(MESSAGES):
        queue.send(trial(number, "GUARDED", failWhile=str(trials.down), padding="x" * SIZE))
    running = trials.start("--admin", "0")
    admin = Admin(running)

    def in_hand():
        return sum(shown["inFlight"] for shown in admin.readiness()[1]["queues"])

    # 32 MB, and what the receives under way brought on top.
    wait_until(lambda: in_hand() >= 32, "as much is in flight as may be", deadline=120)
    # Long enough for all of them, were they received.
    end = time.monotonic() + 15
    most = 0
    while time.monotonic() < end:
        most = max(most, in_hand())
        time.sleep(0.1)
    assert most < 64, f"{most} messages of a megabyte are in flight"
    memory = resident_megabytes(running.process.pid)
    assert memory < 250, f"it holds {memory} MB"
    trials.down.unlink()
    wait_until(lambda: len(trials.recorded) == MESSAGES, "all are handled", deadline=120)
    running.stop()
    trials.close()
