"""What may succeed later is tried again, as often as the queue's redrive policy allows.

The failure is no outage's: it says nothing of a dependency."""

import pytest

from support import wait_until
from support.events import UNLINKED, item
from support.trials import Trials, trial


@pytest.fixture
def queue(make_queue):
    return make_queue(visibility_timeout=30)


@pytest.fixture
def trials(binary, tmp_path, queue):
    trials = Trials(binary, tmp_path, queue.url)
    trials.outage.touch()
    yield trials
    trials.close()


def failing(trials):
    return trial("unlucky", failWhile=str(trials.outage), failKind="unexpected")


def test_a_failure_that_passes_before_the_third_receive_is_no_failure(queue, trials):
    # So long that it is over well before the third.
    trials.routes["defaults"]["retry"] = {"base": "5s", "factor": 1, "max": "5s", "jitter": "none"}
    running = trials.start()
    message = queue.send(failing(trials))
    # In the log: the more moto has, the longer it takes to show it.
    wait_until(lambda: running.log().count("trial begins") >= 2, "it is received again")
    trials.outage.unlink()
    queue.wait_until_empty()
    running.stop()
    assert trials.recorded == ["unlucky"]
    assert queue.receive_count(message) <= 3
    assert queue.dead_letters() == []


def test_one_that_lasts_ends_in_the_dead_letter_queue(queue, trials):
    running = trials.start()
    message = queue.send(failing(trials), {"source": "bot"})
    letters = queue.wait_for_dead_letters(1)
    assert [letter.failure["messageId"] for letter in letters] == [message]
    assert letters[0].attributes["source"] == "bot"

    # The worker goes on by itself.
    queue.send(trial("lucky"))
    queue.wait_until_empty()
    running.stop()
    assert trials.recorded == ["lucky"]


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
