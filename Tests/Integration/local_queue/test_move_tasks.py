"""Move tasks: dead letters go back to where they came from, or where they are told."""

import pytest

from support import wait_until
from support.contract import bodies, redrive_policy, refused, text


@pytest.fixture
def queue(new_queue, dead):
    """A queue whose messages are received once, and are dead letters after that."""
    return new_queue(RedrivePolicy=redrive_policy(dead))


def fail(queue):
    """Receives all and gives all back; the receive after the last one makes dead letters of it."""
    for message in queue.receive():
        queue.change_visibility(message, 0)
    return queue.receive()


def start(sqs, source, destination=None, **options):
    target = {"DestinationArn": destination.arn} if destination else {}
    return sqs.start_message_move_task(SourceArn=source.arn, **target, **options)["TaskHandle"]


def latest(sqs, source):
    return sqs.list_message_move_tasks(SourceArn=source.arn)["Results"][0]


def wait(sqs, source):
    wait_until(lambda: latest(sqs, source)["Status"] != "RUNNING", "the move task ends")
    return latest(sqs, source)


def test_dead_letters_go_back_to_where_they_came_from(sqs, queue, dead):
    sent = {queue.send(body)["MessageId"] for body in ("one", "two")}
    assert fail(queue) == []
    start(sqs, dead)
    task = wait(sqs, dead)
    assert task["Status"] == "COMPLETED"
    assert task["SourceArn"] == dead.arn
    assert "DestinationArn" not in task and "TaskHandle" not in task
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    messages = queue.receive()
    assert sorted(bodies(messages)) == ["one", "two"]
    assert dead.counts() == (0, 0, 0)
    # They are new messages: with new ids, and counted from the start.
    assert sent.isdisjoint(message["MessageId"] for message in messages)
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in messages} == {"1"}


def test_they_go_back_to_several(sqs, new_queue, dead):
    queues = [new_queue(RedrivePolicy=redrive_policy(dead)) for _ in range(2)]
    for number, queue in enumerate(queues):
        queue.send(str(number))
        assert fail(queue) == []
    start(sqs, dead)
    wait(sqs, dead)
    assert [bodies(queue.receive()) for queue in queues] == [["0"], ["1"]]


def test_they_go_where_they_are_told(sqs, queue, dead, new_queue):
    other = new_queue()
    queue.send(MessageAttributes={"city": text("Oslo")})
    assert fail(queue) == []
    start(sqs, dead, other)
    assert wait(sqs, dead)["DestinationArn"] == other.arn
    assert other.receive_one()["MessageAttributes"] == {"city": text("Oslo")}
    assert queue.counts() == (0, 0, 0)


def test_a_slow_task_can_be_cancelled(sqs, queue, dead):
    count = 20
    for number in range(count):
        queue.send(str(number))
    while queue.receive(VisibilityTimeout=0):
        pass
    assert dead.counts() == (count, 0, 0)
    handle = start(sqs, dead, MaxNumberOfMessagesPerSecond=1)
    running = latest(sqs, dead)
    assert (running["Status"], running["TaskHandle"]) == ("RUNNING", handle)
    assert running["MaxNumberOfMessagesPerSecond"] == 1
    with refused("InvalidParameterValue", "AWS.SimpleQueueService.UnsupportedOperation"):
        start(sqs, dead)
    assert "ApproximateNumberOfMessagesMoved" in sqs.cancel_message_move_task(TaskHandle=handle)
    task = wait(sqs, dead)
    assert task["Status"] == "CANCELLED"
    moved = task["ApproximateNumberOfMessagesMoved"]
    assert moved < count
    assert (queue.counts()[0], dead.counts()[0]) == (moved, count - moved)
    with refused("ResourceNotFoundException", "AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_the_latest_tasks_are_listed_first(sqs, queue, dead):
    for _ in range(3):
        start(sqs, dead)
        wait(sqs, dead)
    assert len(sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"]) == 1
    results = sqs.list_message_move_tasks(SourceArn=dead.arn, MaxResults=10)["Results"]
    started = [task["StartedTimestamp"] for task in results]
    assert len(started) == 3 and started == sorted(started, reverse=True)


def test_a_queue_without_tasks_lists_none(sqs, queue, dead):
    assert sqs.list_message_move_tasks(SourceArn=dead.arn).get("Results", []) == []


def test_only_a_dead_letter_queue_can_be_moved_from(sqs, queue, dead):
    with refused("InvalidParameterValue"):
        start(sqs, queue, dead)


def test_both_queues_must_be_there(sqs, queue, dead):
    with refused("ResourceNotFoundException"):
        sqs.start_message_move_task(SourceArn=f"{dead.arn}-nowhere")
    with refused("ResourceNotFoundException"):
        sqs.start_message_move_task(SourceArn=dead.arn, DestinationArn=f"{queue.arn}-nowhere")


def test_a_handle_that_is_none_cannot_be_cancelled(sqs):
    with refused("InvalidParameterValue"):
        sqs.cancel_message_move_task(TaskHandle="garbage")


@pytest.mark.parametrize("rate", [0, 501])
def test_at_most_five_hundred_a_second(rate, sqs, queue, dead):
    with refused("InvalidParameterValue"):
        start(sqs, dead, MaxNumberOfMessagesPerSecond=rate)
