"""Dead-letter queues: what is received too often goes there, and comes back by a move task."""

import json

import pytest

from support import wait_until
from support.contract import bodies, refused, text


def policy(target, count=1):
    return json.dumps({"deadLetterTargetArn": target.arn, "maxReceiveCount": count})


@pytest.fixture
def dead(new_queue):
    return new_queue()


@pytest.fixture
def queue(new_queue, dead):
    """A queue whose messages are received once, and are dead letters after that."""
    return new_queue(RedrivePolicy=policy(dead))


def fail(queue, wait=0):
    """Receives all and gives all back; the receive after the last one makes dead letters of it."""
    for message in queue.receive(wait=wait):
        queue.change_visibility(message, 0)
    return queue.receive()


def test_a_message_goes_there_on_the_receive_after_the_last(new_queue, dead):
    queue = new_queue(RedrivePolicy=policy(dead, 2))
    sent = queue.send(MessageAttributes={"city": text("Oslo")})
    for count in ("1", "2"):
        message = queue.receive_one(VisibilityTimeout=0)
        assert message["Attributes"]["ApproximateReceiveCount"] == count
    assert dead.counts() == (0, 0, 0)
    assert queue.receive() == []
    assert queue.counts() == (0, 0, 0)

    [letter] = dead.receive()
    assert letter["MessageId"] == sent["MessageId"]
    assert letter["MessageAttributes"] == {"city": text("Oslo")}
    attributes = letter["Attributes"]
    assert attributes["DeadLetterQueueSourceArn"] == queue.arn
    assert attributes["SentTimestamp"] == message["Attributes"]["SentTimestamp"]
    assert int(attributes["ApproximateReceiveCount"]) >= 3


def test_a_receive_passes_over_what_is_dead(queue, dead):
    queue.send("old")
    queue.receive_one(VisibilityTimeout=0)
    queue.send("new")
    assert bodies(queue.receive()) == ["new"]
    assert bodies(dead.receive()) == ["old"]


def test_it_wakes_whoever_polls_the_dead_letter_queue(queue, dead):
    queue.send()
    queue.receive_one(VisibilityTimeout=0)
    assert queue.receive() == []
    assert dead.receive_one(wait=5)["Body"] == "hello"


def test_a_handle_from_before_does_not_delete_the_dead_letter(queue, dead):
    queue.send()
    message = queue.receive_one(VisibilityTimeout=0)
    assert queue.receive() == []
    with_old_handle = {"QueueUrl": queue.url, "ReceiptHandle": message["ReceiptHandle"]}
    queue.sqs.delete_message(**with_old_handle)
    assert dead.counts() == (1, 0, 0)


def test_without_a_policy_a_message_comes_forever(queue, dead):
    queue.set(RedrivePolicy="")
    assert queue.attributes("RedrivePolicy") == {}
    queue.send()
    for _ in range(5):
        queue.receive_one(VisibilityTimeout=0)
    assert dead.counts() == (0, 0, 0)


def test_a_fifo_queue_keeps_the_order_of_its_dead_letters(new_queue):
    dead = new_queue(FifoQueue="true")
    queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true", RedrivePolicy=policy(dead))
    for body in "abc":
        queue.send(body, MessageGroupId="guild")
    for message in reversed(queue.receive(2)):
        queue.change_visibility(message, 0)
    # What is dead no longer holds the group back.
    assert bodies(queue.receive()) == ["c"]
    letters = dead.receive()
    assert bodies(letters) == ["a", "b"]
    assert {letter["Attributes"]["MessageGroupId"] for letter in letters} == {"guild"}


def test_the_policy_is_answered_as_it_was_sent(new_queue, dead):
    sent = f'{{ "maxReceiveCount":"4",  "deadLetterTargetArn":"{dead.arn}" }}'
    queue = new_queue(RedrivePolicy=sent)
    assert queue.attributes("RedrivePolicy") == {"RedrivePolicy": sent}


def test_who_may_use_a_queue_for_dead_letters_is_answered_as_it_was_sent(dead):
    sent = '{"redrivePermission":"allowAll"}'
    dead.set(RedriveAllowPolicy=sent)
    assert dead.attributes("RedriveAllowPolicy") == {"RedriveAllowPolicy": sent}


@pytest.mark.parametrize(
    "change",
    [
        {"deadLetterTargetArn": "nowhere"},
        {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:test-is-not-there"},
        {"deadLetterTargetArn": None},
        {"maxReceiveCount": 0},
        {"maxReceiveCount": 1001},
        {"maxReceiveCount": "many"},
        {"maxReceiveCount": None},
    ],
    ids=lambda change: " ".join(f"{name} {value}" for name, value in change.items()),
)
def test_a_policy_that_cannot_work_is_refused(change, queue, dead):
    good = json.loads(policy(dead))
    bad = {name: value for name, value in {**good, **change}.items() if value is not None}
    with refused("InvalidParameterValue", "InvalidAttributeValue"):
        queue.set(RedrivePolicy=json.dumps(bad))
    assert json.loads(queue.attributes("RedrivePolicy")["RedrivePolicy"]) == good


def test_a_policy_that_is_not_json_is_refused(queue):
    with refused("InvalidParameterValue", "InvalidAttributeValue"):
        queue.set(RedrivePolicy="{")


def test_dead_letters_of_a_fifo_queue_need_one_as_well(new_queue, dead):
    with refused("InvalidParameterValue"):
        new_queue(FifoQueue="true", RedrivePolicy=policy(dead))
    with refused("InvalidParameterValue"):
        new_queue(RedrivePolicy=policy(new_queue(FifoQueue="true")))


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, new_queue, dead):
    urls = sorted(new_queue(RedrivePolicy=policy(dead)).url for _ in range(3))
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=dead.url, PaginationConfig={"PageSize": 2}
    )
    listed = [page["queueUrls"] for page in pages]
    assert sorted(sum(listed, [])) == urls
    assert [len(page) for page in listed] == [2, 1]
    assert sqs.list_dead_letter_source_queues(QueueUrl=urls[0]).get("queueUrls", []) == []


class TestMoveTasks:
    def start(self, sqs, source, destination=None, **options):
        target = {"DestinationArn": destination.arn} if destination else {}
        return sqs.start_message_move_task(SourceArn=source.arn, **target, **options)["TaskHandle"]

    def latest(self, sqs, source):
        return sqs.list_message_move_tasks(SourceArn=source.arn)["Results"][0]

    def wait(self, sqs, source):
        wait_until(lambda: self.latest(sqs, source)["Status"] != "RUNNING", "the move task ends")
        return self.latest(sqs, source)

    def test_dead_letters_go_back_to_where_they_came_from(self, sqs, queue, dead):
        sent = {queue.send(body)["MessageId"] for body in ("one", "two")}
        assert fail(queue) == []
        self.start(sqs, dead)
        task = self.wait(sqs, dead)
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

    def test_they_go_back_to_several(self, sqs, new_queue, dead):
        queues = [new_queue(RedrivePolicy=policy(dead)) for _ in range(2)]
        for number, queue in enumerate(queues):
            queue.send(str(number))
            assert fail(queue) == []
        self.start(sqs, dead)
        self.wait(sqs, dead)
        assert [bodies(queue.receive()) for queue in queues] == [["0"], ["1"]]

    def test_they_go_where_they_are_told(self, sqs, queue, dead, new_queue):
        other = new_queue()
        queue.send(MessageAttributes={"city": text("Oslo")})
        assert fail(queue) == []
        self.start(sqs, dead, other)
        assert self.wait(sqs, dead)["DestinationArn"] == other.arn
        assert other.receive_one()["MessageAttributes"] == {"city": text("Oslo")}
        assert queue.counts() == (0, 0, 0)

    def test_a_slow_task_can_be_cancelled(self, sqs, queue, dead):
        count = 20
        for number in range(count):
            queue.send(str(number))
        while queue.receive(VisibilityTimeout=0):
            pass
        assert dead.counts() == (count, 0, 0)
        handle = self.start(sqs, dead, MaxNumberOfMessagesPerSecond=1)
        running = self.latest(sqs, dead)
        assert (running["Status"], running["TaskHandle"]) == ("RUNNING", handle)
        assert running["MaxNumberOfMessagesPerSecond"] == 1
        with refused("InvalidParameterValue", "AWS.SimpleQueueService.UnsupportedOperation"):
            self.start(sqs, dead)
        assert "ApproximateNumberOfMessagesMoved" in sqs.cancel_message_move_task(TaskHandle=handle)
        task = self.wait(sqs, dead)
        assert task["Status"] == "CANCELLED"
        moved = task["ApproximateNumberOfMessagesMoved"]
        assert moved < count
        assert (queue.counts()[0], dead.counts()[0]) == (moved, count - moved)
        with refused("ResourceNotFoundException", "InvalidParameterValue"):
            sqs.cancel_message_move_task(TaskHandle=handle)

    def test_the_latest_tasks_are_listed_first(self, sqs, queue, dead):
        for _ in range(3):
            self.start(sqs, dead)
            self.wait(sqs, dead)
        assert len(sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"]) == 1
        results = sqs.list_message_move_tasks(SourceArn=dead.arn, MaxResults=10)["Results"]
        started = [task["StartedTimestamp"] for task in results]
        assert len(started) == 3 and started == sorted(started, reverse=True)

    def test_a_queue_without_tasks_lists_none(self, sqs, queue, dead):
        assert sqs.list_message_move_tasks(SourceArn=dead.arn).get("Results", []) == []

    def test_only_a_dead_letter_queue_can_be_moved_from(self, sqs, queue, dead):
        with refused("InvalidParameterValue"):
            self.start(sqs, queue, dead)

    def test_both_queues_must_be_there(self, sqs, queue, dead):
        with refused("ResourceNotFoundException"):
            sqs.start_message_move_task(SourceArn=f"{dead.arn}-nowhere")
        with refused("ResourceNotFoundException"):
            sqs.start_message_move_task(SourceArn=dead.arn, DestinationArn=f"{queue.arn}-nowhere")

    def test_a_handle_that_is_none_cannot_be_cancelled(self, sqs):
        with refused("InvalidParameterValue"):
            sqs.cancel_message_move_task(TaskHandle="garbage")

    @pytest.mark.parametrize("rate", [0, 501])
    def test_at_most_five_hundred_a_second(self, rate, sqs, queue, dead):
        with refused("InvalidParameterValue"):
            self.start(sqs, dead, MaxNumberOfMessagesPerSecond=rate)
