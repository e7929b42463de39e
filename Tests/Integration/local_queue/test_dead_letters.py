"""Dead-letter queues: what is received too often goes there."""

import json

import pytest

from support.contract import bodies, redrive_policy, refused, text


@pytest.fixture
def queue(new_queue, dead):
    """A queue whose messages are received once, and are dead letters after that."""
    return new_queue(RedrivePolicy=redrive_policy(dead))


def test_a_message_goes_there_on_the_receive_after_the_last(new_queue, dead):
    queue = new_queue(RedrivePolicy=redrive_policy(dead, 2))
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
    queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true", RedrivePolicy=redrive_policy(dead))
    for body in "abc":
        queue.send(body, MessageGroupId="guild")
    for message in reversed(queue.receive(2)):
        queue.change_visibility(message, 0)
    # What is dead no longer holds the group back.
    assert bodies(queue.receive()) == ["c"]
    letters = dead.receive()
    assert bodies(letters) == ["a", "b"]
    assert {letter["Attributes"]["MessageGroupId"] for letter in letters} == {"guild"}


def test_a_dead_letter_of_a_fifo_queue_has_its_message_id_for_deduplication_id(new_queue):
    """The developer guide, "Setting-up dead-letter queue retention": the enqueue timestamp is reset; "Learn how to configure a
    dead-letter queue redrive": the id is replaced, so that two messages which share one are both kept."""
    dead = new_queue(FifoQueue="true")
    first, second = (new_queue(FifoQueue="true", RedrivePolicy=redrive_policy(dead)) for _ in range(2))
    sent = {}
    clock = new_queue()
    for queue in (first, second):
        queue.send("a", MessageGroupId="guild", MessageDeduplicationId="daily")
        message = queue.receive_one(VisibilityTimeout=0)
        assert clock.receive(wait=1) == []
        assert queue.receive() == []
        sent[message["MessageId"]] = int(message["Attributes"]["SentTimestamp"])
    letters = dead.receive()
    assert {letter["MessageId"] for letter in letters} == set(sent)
    for letter in letters:
        attributes = letter["Attributes"]
        assert attributes["MessageDeduplicationId"] == letter["MessageId"]
        assert int(attributes["SentTimestamp"]) >= sent[letter["MessageId"]] + 900
        assert attributes["ApproximateReceiveCount"] == "2"


def test_a_dead_letter_of_a_standard_queue_keeps_its_time(queue, dead):
    """The same page: the enqueue timestamp is unchanged."""
    queue.set(RedrivePolicy=redrive_policy(dead))
    queue.send()
    message = queue.receive_one(VisibilityTimeout=0)
    assert dead.receive(wait=1) == []
    assert queue.receive() == []
    letter = dead.receive_one()
    assert letter["Attributes"]["SentTimestamp"] == message["Attributes"]["SentTimestamp"]


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
    good = json.loads(redrive_policy(dead))
    bad = {name: value for name, value in {**good, **change}.items() if value is not None}
    with refused("InvalidParameterValue", "InvalidAttributeValue"):
        queue.set(RedrivePolicy=json.dumps(bad))
    assert json.loads(queue.attributes("RedrivePolicy")["RedrivePolicy"]) == good


def test_a_policy_that_is_not_json_is_refused(queue):
    with refused("InvalidParameterValue", "InvalidAttributeValue"):
        queue.set(RedrivePolicy="{")


def test_dead_letters_of_a_fifo_queue_need_one_as_well(new_queue, dead):
    with refused("InvalidParameterValue"):
        new_queue(FifoQueue="true", RedrivePolicy=redrive_policy(dead))
    with refused("InvalidParameterValue"):
        new_queue(RedrivePolicy=redrive_policy(new_queue(FifoQueue="true")))


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, new_queue, dead):
    urls = sorted(new_queue(RedrivePolicy=redrive_policy(dead)).url for _ in range(3))
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=dead.url, PaginationConfig={"PageSize": 2}
    )
    listed = [page["queueUrls"] for page in pages]
    assert sorted(sum(listed, [])) == urls
    assert [len(page) for page in listed] == [2, 1]
    assert sqs.list_dead_letter_source_queues(QueueUrl=urls[0]).get("queueUrls", []) == []
