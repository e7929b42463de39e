"""A database that another process keeps locked costs no event its only receive."""

import time

import pytest

from support.events import CAST, account_linked, character, item, somebody

# The worker is what is tested, so one server is enough.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def queue(make_queue):
    return make_queue(max_receive_count=1)


def test_events_of_all_routes_wait_together(queue, worker, prizes):
    """One after the other they would wait until their routes' timeout."""
    worker.settings["maxReceiveCount"] = 1
    worker.routes["defaults"]["timeout"] = "14s"
    running = worker.start()
    queue.send(item(somebody(0)))
    prizes.wait_for(somebody(0))
    with prizes.locked():
        for number, cast in enumerate(CAST, start=1):
            queue.send(item(somebody(number)))
            queue.send(account_linked(somebody(number), f"user-{number}"))
            queue.send(character(cast))
        # Three calls that take turns, and wait five seconds each.
        time.sleep(16)
    queue.wait_until_empty()
    running.stop()
    assert queue.dead_letters() == []
    assert prizes.query("SELECT count(*), sum(quantity) FROM items") == [(len(CAST) + 1, len(CAST) + 1)]
    assert prizes.query("SELECT count(*) FROM handled_events") == [(3 * len(CAST) + 1,)]
