"""A database that is gone costs no message its turn: intake stops, says so, and goes on by itself."""

import json

import pytest

from support import wait_until
from support.events import item, somebody

COUNT = 1000


@pytest.fixture
def queue(make_queue):
    return make_queue(visibility_timeout=2)


@pytest.fixture
def worker(worker):
    worker.settings["visibilityTimeout"] = "2s"
    return worker


def test_an_outage_longer_than_the_redrive_policy_allows(queue, worker, prizes, sqs):
    running = worker.start()
    queue.send(item(somebody(COUNT)))
    prizes.wait_for(somebody(COUNT))
    with prizes.locked():
        for start in range(0, COUNT, 10):
            bodies = [json.dumps(item(somebody(number))) for number in range(start, start + 10)]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
            assert not sqs.send_message_batch(QueueUrl=queue.url, Entries=entries).get("Failed")
        wait_until(lambda: "the plugin is down" in running.log(), "the worker says that it takes nothing in")
        # For much longer than three receives of two seconds each.
        wait_until(lambda: running.log().count("the plugin is still down") >= 2, "it asks again", deadline=90)
        assert queue.dead_letters() == []
        assert queue.size() == COUNT
    queue.wait_until_empty(deadline=240)
    running.stop()
    assert "the plugin is well again" in running.log()
    assert queue.dead_letters() == []
    assert sum(prizes.waiting_quantity(somebody(number)) for number in range(COUNT)) == COUNT
