"""Handlers start no faster than their limit says, and a message that waits for it loses nothing."""

import json
import threading
import time

import pytest

from support import takes_at_most, wait_until
from support.admin import Admin
from support.receiver import Answer

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def limited(number, **fields):
    return {"eventType": "LIMITED", "number": number, **fields}


def free(number):
    return {"eventType": "FREE", "number": number}


def numbers(receiver, path="/"):
    return [delivery.json["number"] for delivery in receiver.deliveries if delivery.path == path]


def test_a_rate_is_kept_and_used(limited_to, receiver):
    queue, worker = limited_to(rate="4/s", burst=4)
    ids = [queue.send(limited(number)) for number in range(24)]
    began = time.time()
    running = worker.start()
    receiver.wait_for(24)
    queue.wait_until_empty()
    running.stop()
    for place, delivery in enumerate(receiver.deliveries, start=1):
        assert delivery.at >= began + (place - 4) / 4, f"request {place} came after {delivery.at - began:.2f} s"
    assert sorted(numbers(receiver)) == list(range(24))
    assert {running.attempts()[id] for id in ids} == {1}


def test_who_waits_keeps_its_lease_and_takes_no_slot(limited_to, receiver):
    """With two slots, and leases of six seconds, ten wait for up to nine. A key may have ten places, so none is given back."""
    queue, worker = limited_to(rate="1/s")
    worker.settings.update(concurrency=2, visibilityTimeout="6s")
    ids = [queue.send(limited(number)) for number in range(10)]
    running = worker.start("--admin", "0")
    admin = Admin(running)
    receiver.wait_for(2)
    assert wait_until(lambda: admin.value("worker_limit_waiting", limit="bot"), "some wait for the limit")
    for number in range(10):
        queue.send(free(number))
    wait_until(lambda: len(numbers(receiver, "/free")) == 10, "the others are handled")
    assert len(numbers(receiver)) < 10, "they were to be handled while others wait"
    queue.wait_until_empty()
    wait_until(lambda: admin.value("worker_limit_waiting", limit="bot") == 0, "nothing waits any more")
    running.stop()
    assert sorted(numbers(receiver)) == list(range(10))
    assert {running.attempts()[id] for id in ids} == {1}


def test_one_hot_key_does_not_hold_up_the_others(limited_to, receiver):
    """Two slots hold twenty that wait. Of a key that has more, the excess comes back when its turn has come."""
    queue, worker = limited_to(rate="5/s", key="guild.id")
    worker.settings["concurrency"] = 2
    hot = [queue.send(limited(number, guild={"id": "hot"})) for number in range(60)]
    running = worker.start("--admin", "0")
    admin = Admin(running)
    receiver.wait_for(1)
    for number in range(100, 103):
        queue.send(limited(number, guild={"id": 123456789012345678}))
        queue.send(free(number))
    wait_until(lambda: {100, 101, 102} <= set(numbers(receiver)), "the calm key's events are handled")
    wait_until(lambda: len(numbers(receiver, "/free")) == 3, "the events without a limit are handled")
    assert len(numbers(receiver)) < 63, "the others were to be handled while the hot key waits"
    postponed = admin.value("worker_messages_settled_total", outcome="postponed")
    queue.wait_until_empty(deadline=120)
    running.stop()
    assert sorted(numbers(receiver)) == [*range(60), 100, 101, 102]
    # Without the ten that the key may hold, and those that were handled before all had been received.
    assert postponed >= 15, "the excess is given back"
    assert max(running.attempts()[id] for id in hot) <= 2
    assert queue.dead_letters() == []


def test_where_all_events_have_one_limit_none_is_given_back(limited_to, receiver):
    queue, worker = limited_to(rate="10/s")
    del worker.routes["routes"]["FREE"]
    worker.settings["concurrency"] = 1
    ids = [queue.send(limited(number)) for number in range(40)]
    running = worker.start()
    receiver.wait_for(40)
    queue.wait_until_empty()
    running.stop()
    assert {running.attempts()[id] for id in ids} == {1}


def test_a_redrive_policy_with_no_receive_to_spare_has_none_taken(make_queue, limited_to, receiver):
    queue, worker = limited_to(rate="10/s", key="guild", queue=make_queue(max_receive_count=2))
    worker.settings["concurrency"] = 1
    ids = [queue.send(limited(number, guild="hot")) for number in range(40)]
    running = worker.start()
    receiver.wait_for(40)
    queue.wait_until_empty()
    running.stop()
    assert {running.attempts()[id] for id in ids} == {1}


def test_events_without_the_key_share_one_limit(limited_to, receiver):
    queue, worker = limited_to(rate="1/h", burst=2, key="guild")
    queue.send(limited(0))
    queue.send(limited(1, guild=None))
    queue.send(limited(2, guild={"id": 1}))
    queue.send(limited(3, guild="one"))
    running = worker.start("--admin", "0", "--shutdown-deadline", "1s")
    admin = Admin(running)
    receiver.wait_for(3)
    wait_until(lambda: admin.value("worker_limit_waiting", limit="bot") == 1, "one waits")
    running.stop()
    handled = set(numbers(receiver))
    assert 3 in handled and len(handled & {0, 1, 2}) == 2


def test_no_more_handlers_run_at_once(limited_to, receiver):
    queue, worker = limited_to(rate="1000/s", burst=1000, concurrency=3)
    lock = threading.Lock()
    release = threading.Event()
    running_now, most = 0, 0

    def respond(delivery):
        def answer(handler):
            nonlocal running_now, most
            with lock:
                running_now += 1
                most = max(most, running_now)
            if delivery.path == "/":
                release.wait()
            with lock:
                running_now -= 1
            Answer()(handler)

        return answer

    receiver.respond = respond
    for number in range(10):
        queue.send(limited(number))
    running = worker.start()
    wait_until(lambda: len(numbers(receiver)) == 3, "three run")
    for number in range(10):
        queue.send(free(number))
    wait_until(lambda: len(numbers(receiver, "/free")) == 10, "what came later runs without the limit")
    assert len(numbers(receiver)) == 3
    release.set()
    queue.wait_until_empty()
    running.stop()
    assert sorted(numbers(receiver)) == list(range(10))


def test_an_open_circuit_breaker_uses_up_nothing_of_the_limit(limited_to, receiver):
    """One request has opened it for good. Of six that may start in an hour, five are left, whoever waits."""
    queue, worker = limited_to(rate="1/h", burst=6)
    worker.settings["concurrency"] = 1
    up = worker.routes["routes"]["LIMITED"]
    down = up | {"with": up["with"] | {"url": receiver.address.replace("localhost", "127.0.0.1") + "/down"}}
    worker.routes["routes"]["DOWN"] = down
    receiver.respond = lambda delivery: Answer(410 if delivery.path == "/down" else 200)
    for number in range(9):
        queue.send({"eventType": "DOWN", "number": number})
    running = worker.start("--shutdown-deadline", "1s")
    wait_until(lambda: "until the worker is restarted" in running.log(), "the breaker opens")
    for number in range(5):
        queue.send(limited(number))
    wait_until(lambda: len(numbers(receiver)) == 5, "the limit is left to others")
    running.stop()
    assert len(numbers(receiver, "/down")) == 1


def test_a_stop_handles_what_it_can_within_its_deadline_and_gives_the_rest_back(limited_to, receiver):
    queue, worker = limited_to(rate="2/s")
    ids = [queue.send(limited(number)) for number in range(60)]
    running = worker.start("--shutdown-deadline", "3s")
    receiver.wait_for(2)
    before = len(numbers(receiver))
    with takes_at_most(40, "a stop with a deadline of three seconds"):
        running.stop()
    handled = set(numbers(receiver))
    assert before < len(numbers(receiver)) == len(handled) < 60
    # Visible at once, or never received.
    back = [json.loads(message.body)["number"] for message in queue.receive()]
    assert sorted(handled.union(back)) == list(range(60)) and len(back) == len(set(back))
    # What was posted at the deadline, and not answered yet, is given back as well: two start in a second.
    assert len(handled.intersection(back)) <= 2
    assert {queue.receive_count(id) for id in ids} <= {0, 1, 2}


def test_a_fifo_queue_keeps_its_order(make_queue, limited_to, receiver):
    queue, worker = limited_to(rate="8/s", key="guild", queue=make_queue(suffix=".fifo"))
    for number in range(12):
        group = f"group-{number % 2}"
        queue.send(limited(number, guild="same"), MessageGroupId=group, MessageDeduplicationId=str(number))
    running = worker.start()
    receiver.wait_for(12)
    queue.wait_until_empty()
    running.stop()
    for group in range(2):
        assert [number for number in numbers(receiver) if number % 2 == group] == list(range(group, 12, 2))


@pytest.fixture
def limited_to(limited, make_queue, make_worker, receiver, worker):
    """Makes a limit, and returns a queue and the worker that reads it."""

    def make(queue=None, **limit):
        queue = queue or make_queue()
        worker.environment["AWS_SQS_QUEUE_URL"] = queue.url
        limited(**limit)
        return queue, worker

    return make
