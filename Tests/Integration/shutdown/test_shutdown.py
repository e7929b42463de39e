"""SIGTERM, SIGINT and SIGHUP: no message is lost, none is handled twice, and none stays in limbo."""

import signal

import pytest

from support import takes_at_most, wait_until
from support.events import COIN, UNLINKED, item, somebody
from support.trials import Trials, trial


@pytest.fixture
def queue(make_queue):
    # So long that a message which can be received again was given back, and did not just time out.
    return make_queue(visibility_timeout=600)


@pytest.fixture
def worker(worker):
    worker.settings["visibilityTimeout"] = "600s"
    worker.settings["waitTime"] = "3s"
    worker.routes["defaults"]["timeout"] = "60s"
    return worker


def start(worker, queue, prizes, *arguments):
    """Starts a worker and waits until it works."""
    running = worker.start(*arguments)
    queue.send(item(somebody(0)))
    prizes.wait_for(somebody(0))
    queue.wait_until_empty()
    return running


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_an_idle_worker_ends_when_its_receive_does(name, queue, worker, prizes):
    running = start(worker, queue, prizes)
    running.signal(getattr(signal, name))
    with takes_at_most(20, "ending while a receive waits for 3 s"):
        assert running.wait() == 0


def test_what_a_receive_under_way_brings_is_handled(queue, worker, prizes, proxy):
    """The queue may hand a message to a poll that was cut: it would be invisible for its whole timeout."""
    worker.settings["waitTime"] = "20s"
    calls = []
    proxy.on_request = lambda operation, body: calls.append(operation)
    running = start(worker, queue, prizes)
    wait_until(lambda: calls[-1] == "ReceiveMessage", "a receive is under way")
    running.terminate()
    wait_until(lambda: "stopping" in running.log(), "it stops")
    queue.send(item(quantity=5))
    assert running.wait() == 0
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.size() == 0


def test_a_second_signal_cuts_a_receive(queue, worker, prizes):
    worker.settings["waitTime"] = "20s"
    running = start(worker, queue, prizes)
    running.terminate()
    wait_until(lambda: "stopping" in running.log(), "it stops")

    def ended_after_another_signal():
        # One that comes within half a second of the first is its echo.
        if running.is_running:
            running.signal(signal.SIGINT)
        return not running.is_running

    wait_until(ended_after_another_signal, "the worker ends, long before the receive does", deadline=10, interval=0.2)
    assert running.wait() == 130


def test_a_stop_during_an_outage_costs_what_waits_no_second_receive(queue, binary, tmp_path):
    """What is parked is given back when no receive of this worker's can bring it again."""
    trials = Trials(binary, tmp_path, queue.url)
    trials.settings.update(visibilityTimeout="600s", waitTime="3s", concurrency=4)
    trials.outage.touch()
    messages = [queue.send(trial(number, failWhile=str(trials.outage))) for number in range(8)]
    running = trials.start()
    for message in messages:
        queue.wait_until_received(message)
    running.stop()
    assert {again.id for again in queue.receive()} == set(messages)
    assert [queue.receive_count(message) for message in messages] == [2] * len(messages), "the worker's, and this one"
    trials.close()


def test_what_is_in_flight_is_finished(queue, worker, prizes):
    running = start(worker, queue, prizes)
    with prizes.locked() as release:
        message = queue.send(item(quantity=5))
        queue.wait_until_received(message)
        running.terminate()
        release()
    assert running.wait() == 0
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.size() == 0, "it was handled, and must be deleted"


def test_what_does_not_finish_within_the_deadline_is_given_back_at_once(queue, worker, prizes):
    running = start(worker, queue, prizes, "--shutdown-deadline", "1s")
    with prizes.locked():
        message = queue.send(item(quantity=5))
        queue.wait_until_received(message)
        running.terminate()
        with takes_at_most(20, "ending with a deadline of 1 s"):
            assert running.wait() == 0
        assert [again.id for again in queue.receive()] == [message]
    assert prizes.pending(UNLINKED) == {}
    assert queue.dead_letters() == []


def test_a_signal_that_comes_with_its_echo_is_one(queue, worker, prizes):
    """As `timeout` sends it: to the process, and to its group."""
    running = start(worker, queue, prizes)
    with prizes.locked():
        message = queue.send(item(quantity=5))
        queue.wait_until_received(message)
        for _ in range(3):
            running.terminate()
        wait_until(lambda: "stopping" in running.log(), "it stops")
    assert running.wait() == 0
    assert "exiting at once" not in running.log()


def test_a_second_signal_ends_it_now(queue, worker, prizes):
    running = start(worker, queue, prizes)
    with prizes.locked():
        message = queue.send(item(quantity=5))
        queue.wait_until_received(message)

        def ended_after_another_signal():
            if running.is_running:
                running.terminate()
            return not running.is_running

        # Signals that come before the first is looked at are one signal: so not two, but until it has seen two.
        what = "the worker ends, long before its deadline of 30 s"
        wait_until(ended_after_another_signal, what, deadline=10, interval=0.2)
    assert running.wait() != 0
    assert queue.size() == 1, "it was not handled, and must not be lost"


def test_every_message_is_either_handled_or_back_in_the_queue(queue, worker, prizes):
    count = 40
    # Few at a time, so that the signal comes in the midst of it.
    worker.settings.update(concurrency=2, maxMessages=2)
    for number in range(count):
        queue.send(item(somebody(number)))
    running = worker.start()
    prizes.wait_for(somebody(count // 4))
    running.terminate()
    assert running.wait() == 0
    handled = sum(prizes.waiting_quantity(somebody(number)) for number in range(count))
    assert handled + len(queue.receive()) == count
    assert queue.dead_letters() == []
