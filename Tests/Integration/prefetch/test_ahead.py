"""Messages that are received before a slot is free for them: none is lost by a stop, a kill or an outage, and none is hoarded."""

import time

import pytest

from support import wait_until
from support.admin import Admin
from support.proxy import Proxy
from support.trials import Trials, trial

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
COUNT = 120
ROUND_TRIP = 0.1
"""Seconds. Handlers take as long, so that the worker has to receive ahead."""


@pytest.fixture
def queue(make_queue):
    # What can be received again within a test was given back.
    return make_queue(visibility_timeout=600)


@pytest.fixture
def trials(binary, server, queue, tmp_path):
    """A worker far away from its queue."""
    worker = Trials(binary, tmp_path, queue.url)
    worker.settings.update(visibilityTimeout="600s", concurrency=2)
    proxy = Proxy(server.endpoint)
    proxy.on_request = lambda operation, body: time.sleep(ROUND_TRIP)
    worker.environment["AWS_ENDPOINT_URL_SQS"] = proxy.endpoint
    yield worker
    worker.close()
    proxy.close()


def start(trials, queue, *arguments, **fields):
    """Starts a worker on a deep queue, and waits until some are ahead."""
    messages = [queue.send(trial(number, waitSeconds=ROUND_TRIP, **fields)) for number in range(COUNT)]
    running = trials.start("--admin", "0", *arguments)
    admin = Admin(running)
    wait_until(lambda: (admin.value("worker_messages_ahead") or 0) >= 3, "messages are received ahead", interval=0.02)
    return running, messages


def names(recorded):
    return sorted(int(name) for name in recorded)


def test_a_stop_handles_what_is_ahead(trials, queue):
    running, messages = start(trials, queue)
    running.stop()
    handled = names(trials.recorded)
    assert len(handled) == len(set(handled))
    assert 0 < len(handled) < COUNT
    left = [messages[number] for number in range(COUNT) if number not in handled]
    assert queue.size() == len(left)
    assert [queue.receive_count(message) for message in left] == [0] * len(left), "nothing was received in vain"


def test_at_the_deadline_what_is_ahead_is_given_back_at_the_price_of_a_receive(trials, queue):
    running, messages = start(trials, queue, "--shutdown-deadline", "0s")
    running.stop()
    handled = names(trials.recorded)
    assert len(queue.receive()) == COUNT - len(set(handled))
    assert len(handled) == len(set(handled))
    counts = [queue.receive_count(messages[number]) for number in range(COUNT) if number not in handled]
    # That of this test, and that of the worker for what it had in flight: two, one receive's worth ahead, and one under way.
    assert set(counts) <= {1, 2}
    assert 0 < counts.count(2) <= 2 + 10 + 10


def test_what_a_killed_worker_had_ahead_comes_again(binary, trials, make_queue):
    queue = make_queue(visibility_timeout=8)
    trials.environment["AWS_SQS_QUEUE_URL"] = queue.url
    trials.settings["visibilityTimeout"] = "8s"
    running, messages = start(trials, queue)
    running.kill()
    running = trials.start()
    queue.wait_until_empty(deadline=120)
    running.stop()
    assert set(names(trials.recorded)) == set(range(COUNT))
    assert queue.dead_letters() == []
    assert max(running.attempts().values()) <= 2


def test_an_outage_costs_what_is_ahead_no_receive(trials, make_queue):
    # The first receive is the only one.
    queue = make_queue(visibility_timeout=6, max_receive_count=1)
    trials.environment["AWS_SQS_QUEUE_URL"] = queue.url
    trials.settings.update(visibilityTimeout="6s", maxReceiveCount=1)
    running, _ = start(trials, queue, failWhile=str(trials.outage))
    trials.outage.touch()
    wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
    # For longer than a visibility timeout.
    time.sleep(10)
    assert queue.dead_letters() == []
    assert queue.size() == COUNT - len(trials.recorded)
    trials.outage.unlink()
    queue.wait_until_empty(deadline=120)
    running.stop()
    assert names(trials.recorded) == list(range(COUNT))
    assert queue.dead_letters() == []


def test_slow_handlers_leave_the_others_to_other_workers(trials, queue):
    trials.settings["concurrency"] = 1
    for number in range(4):
        queue.send(trial(number, waitSeconds=30))
    for _ in range(2):
        admin = Admin(trials.start("--admin", "0"))
        wait_until(lambda: admin.value("worker_messages_in_flight") == 1, "it has one in flight")
    # For more than a receive would take.
    time.sleep(2)
    attributes = queue.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"])
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "2"


def test_it_can_be_switched_off(trials, queue):
    trials.settings["prefetchMultiplier"] = 0
    for number in range(40):
        queue.send(trial(number, waitSeconds=ROUND_TRIP))
    admin = Admin(trials.start("--admin", "0"))
    while len(trials.recorded) < 40:
        assert not admin.value("worker_messages_ahead")
        assert (admin.value("worker_slots_free") or 0) <= 2
        time.sleep(0.02)


def test_a_multiplier_that_is_none_is_named(trials):
    trials.settings["prefetchMultiplier"] = 11
    finished = trials.command("check", "--routes", trials.write_routes())
    assert finished.code == 78
    assert "queues.prizes.prefetchMultiplier must be from 0 to 10" in finished.stderr
