"""A database that is gone costs no message its turn: intake stops, says so, and goes on by itself."""

import json

import pytest

from support import wait_until
from support.events import item, somebody
from support.server import LocalQueueServer


@pytest.fixture
def count(server):
    # For each message that moto hands out it looks at all it has, several times: of a thousand, ten take a second, half
    # of their visibility timeout, before the worker has them.
    return 1000 if isinstance(server, LocalQueueServer) else 100


@pytest.fixture
def queue(make_queue):
    return make_queue(visibility_timeout=2)


@pytest.fixture
def worker(worker):
    worker.settings["visibilityTimeout"] = "2s"
    return worker


def test_an_outage_longer_than_the_redrive_policy_allows(count, queue, worker, prizes, sqs):
    running = worker.start()
    queue.send(item(somebody(count)))
    prizes.wait_for(somebody(count))
    with prizes.locked():
        for start in range(0, count, 10):
            bodies = [json.dumps(item(somebody(number))) for number in range(start, start + 10)]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
            assert not sqs.send_message_batch(QueueUrl=queue.url, Entries=entries).get("Failed")
        wait_until(lambda: "the plugin is down" in running.log(), "the worker says that it takes nothing in")
        # For much longer than three receives of two seconds each.
        wait_until(lambda: running.log().count("the plugin is still down") >= 2, "it asks again", deadline=90)
        assert queue.dead_letters() == []
        assert queue.size() == count
    queue.wait_until_empty(deadline=120)
    running.stop()
    assert "the plugin has recovered" in running.log()
    assert queue.dead_letters() == []
    assert sum(prizes.waiting_quantity(somebody(number)) for number in range(count)) == count
