"""Long polls: they wait as long as they are told, and wake at once when there is something to receive."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from support import takes_at_most, wait_until
from support.contract import bodies

AT_ONCE = 10
"""Seconds: far from a poll's twenty, and enough for a machine that is busy with the other tests."""


@contextmanager
def polling(queue, count=1):
    """Starts long polls on a queue and returns once they wait; what each received is in their futures."""
    with ThreadPoolExecutor(count) as pool:
        polls = [pool.submit(queue.receive, 10, 20) for _ in range(count)]
        # A poll of our own is the clock: the others started before it ended.
        assert queue.receive(wait=1) == []
        yield polls


def test_a_poll_lasts_as_long_as_it_is_told(queue):
    start = time.monotonic()
    assert queue.receive(wait=2) == []
    assert 1.9 <= time.monotonic() - start <= 2 + AT_ONCE


def test_the_queue_says_how_long_where_the_poll_does_not(sqs, new_queue):
    queue = new_queue(ReceiveMessageWaitTimeSeconds="2")
    start = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue.url)
    assert 1.9 <= time.monotonic() - start <= 2 + AT_ONCE
    queue.set(ReceiveMessageWaitTimeSeconds="20")
    with takes_at_most(AT_ONCE, "a poll of 0 s"):
        assert queue.receive(wait=0) == []


def test_a_poll_does_not_wait_where_something_is(queue):
    queue.send()
    with takes_at_most(AT_ONCE, "a poll of a queue with a message"):
        assert len(queue.receive(wait=20)) == 1


def test_a_send_wakes_a_poll(queue):
    with polling(queue) as [poll], takes_at_most(AT_ONCE, "waking"):
        queue.send("wake up")
        assert bodies(poll.result()) == ["wake up"]


def test_each_message_wakes_one_poll_alone(queue):
    count = 12
    with polling(queue, count) as polls, takes_at_most(18, "waking twelve polls"):
        for number in range(count):
            queue.send(str(number))
            done = number + 1
            wait_until(lambda: sum(poll.done() for poll in polls) >= done, f"{done} polls are answered", AT_ONCE, 0.01)
        received = [bodies(poll.result()) for poll in polls]
    assert sorted(received, key=lambda batch: int(batch[0])) == [[str(number)] for number in range(count)]


def test_a_delay_that_ends_wakes_a_poll(queue):
    start = time.monotonic()
    queue.send("later", DelaySeconds=2)
    assert queue.receive_one(wait=20)["Body"] == "later"
    assert 1.9 <= time.monotonic() - start <= 2 + AT_ONCE


def test_a_timeout_that_ends_wakes_a_poll(queue):
    queue.send()
    start = time.monotonic()
    queue.receive_one(VisibilityTimeout=2)
    queue.receive_one(wait=20)
    assert 1.9 <= time.monotonic() - start <= 2 + AT_ONCE


def test_a_message_that_is_given_back_wakes_a_poll(queue):
    queue.send()
    message = queue.receive_one(VisibilityTimeout=600)
    with polling(queue) as [poll], takes_at_most(AT_ONCE, "waking"):
        queue.change_visibility(message, 0)
        assert [again["MessageId"] for again in poll.result()] == [message["MessageId"]]


def test_a_timeout_that_is_made_shorter_wakes_a_poll_when_it_ends(queue):
    queue.send()
    message = queue.receive_one(VisibilityTimeout=600)
    with polling(queue) as [poll], takes_at_most(1 + AT_ONCE, "waking after 1 s"):
        queue.change_visibility(message, 1)
        assert [again["MessageId"] for again in poll.result()] == [message["MessageId"]]


@pytest.mark.parametrize("settle", ["delete", "give back"])
def test_the_end_of_a_groups_first_message_wakes_a_poll(settle, new_queue):
    queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("first", "second"):
        queue.send(body, MessageGroupId="guild")
    first = queue.receive_one()
    with polling(queue) as [poll], takes_at_most(AT_ONCE, "waking"):
        if settle == "delete":
            queue.delete(first)
            assert bodies(poll.result()) == ["second"]
        else:
            queue.change_visibility(first, 0)
            assert bodies(poll.result()) == ["first", "second"]


def test_a_poll_of_one_queue_does_not_hold_up_another(queue, new_queue):
    other = new_queue()
    with polling(queue) as [poll]:
        other.send()
        with takes_at_most(AT_ONCE, "a receive from another queue"):
            other.receive_one()
        assert not poll.done()
        queue.send()
