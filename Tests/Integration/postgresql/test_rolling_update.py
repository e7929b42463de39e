"""Two workers under load, each replaced in turn: no event waits much longer for that, and none is lost."""

import threading
import time

import pytest

from support import wait_until
from support.events import item, somebody

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
EVERY = 0.02
ALLOWED = 5.0
"""In seconds, more than without an update; what a stop forgets comes after a visibility timeout of thirty."""


class Load:
    """Sends an event at a time, each to a user of its own."""

    def __init__(self, queue):
        self.sent = []
        """When each was sent."""
        self._queue = queue
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.wait(EVERY):
            self.sent.append(time.time())
            self._queue.send(item(somebody(len(self.sent) - 1)))

    def stop(self):
        self._over.set()
        self._thread.join()


def test_an_update_leaves_no_gap(queue, worker, prizes):
    def start():
        running = worker.start()
        wait_until(lambda: "consumer started" in running.log(), "the worker runs")
        return running

    old = [start(), start()]
    load = Load(queue)
    time.sleep(5)
    calm = len(load.sent)
    new = []
    for each in old:
        # As a Deployment does with maxUnavailable 0: the new one is there before the old one goes.
        new.append(start())
        each.stop()
        time.sleep(2)
    load.stop()
    queue.wait_until_empty()
    for each in new:
        each.stop()
    handled = prizes.query(
        "SELECT (content::json ->> 'discordUserId'), extract(epoch FROM handled_at)::float8 FROM handled_events"
    )
    assert len(handled) == len(load.sent), "none is lost, and none handled twice"
    assert queue.dead_letters() == []
    times = dict(handled)
    waits = [times[somebody(number)] - sent for number, sent in enumerate(load.sent)]
    before, during = max(waits[:calm]), max(waits[calm:])
    print(f"{len(waits)} events; the longest wait was {before:.2f} s before the update and {during:.2f} s during it")
    assert during <= before + ALLOWED
