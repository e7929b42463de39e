"""What may succeed later is tried again, and goes to the dead-letter queue by the queue's own policy.

The failure is a database in which someone else writes for too long."""

import pytest

from support.events import COIN, UNLINKED, item, somebody


@pytest.fixture
def worker(worker):
    worker.routes["defaults"]["timeout"] = "3s"
    return worker


@pytest.fixture
def running(queue, worker, prizes):
    """A worker that is known to work."""
    running = worker.start()
    queue.send(item(somebody(0)))
    prizes.wait_for(somebody(0))
    queue.wait_until_empty()
    return running


def test_a_failure_that_passes_before_the_third_receive_is_no_failure(queue, prizes, running):
    with prizes.locked() as release:
        message = queue.send(item(quantity=5))
        queue.wait_until_received(message, times=3)
        release()
    queue.wait_until_empty()
    running.stop()
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.receive_count(message) == 3
    assert queue.dead_letters() == []


def test_one_that_lasts_ends_in_the_dead_letter_queue_by_the_redrive_policy(queue, prizes, running):
    with prizes.locked():
        message = queue.send(item(quantity=5), {"source": "bot"})
        letters = queue.wait_for_dead_letters(1, deadline=90)
    assert [letter.id for letter in letters] == [message], "the redrive policy keeps the id"
    assert letters[0].attributes == {"source": "bot"}

    # The worker goes on by itself.
    queue.send(item(somebody(1)))
    prizes.wait_for(somebody(1))
    queue.wait_until_empty()
    running.stop()
    assert prizes.pending(UNLINKED) == {}


def test_a_queue_that_fails_for_a_while_does_not_stop_the_worker(queue, worker, prizes, proxy):
    answers = iter(
        [(500, b""), (503, b"<html>Service Unavailable</html>"), (200, b"not JSON"), (400, b'{"__type":"Throttling"}')] * 2
    )
    proxy.on_request = lambda operation, body: next(answers, None) if operation == "ReceiveMessage" else None
    running = worker.start()
    queue.send(item())
    prizes.wait_for(UNLINKED)
    queue.wait_until_empty()
    assert next(answers, None) is None
    running.stop()
