"""Visibility timeouts, receipt handles and delays: when a message may be received, and by whom it may be settled."""

import pytest

from support import takes_at_most
from support.contract import bodies, entry, refused


@pytest.fixture
def brief(new_queue):
    """A queue whose messages come again after a second."""
    return new_queue(VisibilityTimeout="1")


def test_a_received_message_is_hidden_and_then_comes_again(new_queue):
    queue = new_queue(VisibilityTimeout="4")
    sent = queue.send()
    first = queue.receive_one()
    assert queue.receive() == []
    assert queue.counts() == (0, 1, 0)
    second = queue.receive_one()
    assert second["MessageId"] == first["MessageId"] == sent["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_message_whose_timeout_ended_counts_as_visible(brief):
    brief.send()
    brief.receive_one(VisibilityTimeout=0)
    assert brief.counts() == (1, 0, 0)


def test_a_receive_may_choose_its_own_timeout(queue, brief):
    queue.send()
    queue.receive_one(VisibilityTimeout=1)
    with takes_at_most(9, "waiting for a timeout of 1 s"):
        queue.receive_one()
    brief.send()
    brief.receive_one(VisibilityTimeout=600)
    assert brief.receive(wait=2) == []


def test_the_latest_handle_deletes_even_after_its_timeout(brief):
    brief.send()
    message = brief.receive_one(VisibilityTimeout=0)
    assert brief.counts() == (1, 0, 0)
    brief.delete(message)
    assert brief.counts() == (0, 0, 0)


def test_deleting_twice_is_no_error(queue):
    queue.send()
    message = queue.receive_one()
    queue.delete(message)
    queue.delete(message)


def test_a_stale_handle_neither_deletes_nor_fails(brief):
    brief.send()
    stale = brief.receive_one()
    latest = brief.receive_one()
    brief.delete(stale)
    assert sum(brief.counts()) == 1
    brief.delete(latest)
    assert brief.counts() == (0, 0, 0)


@pytest.mark.parametrize("handle", ["garbage", "x" * 300, "é", "a b+c/d=="], ids=["word", "long", "é", "signs"])
def test_garbage_is_no_handle(handle, queue):
    with refused("ReceiptHandleIsInvalid"):
        queue.delete({"ReceiptHandle": handle})
    with refused("ReceiptHandleIsInvalid"):
        queue.change_visibility({"ReceiptHandle": handle}, 5)


def test_a_timeout_can_be_made_longer(brief):
    brief.send()
    brief.change_visibility(brief.receive_one(), 600)
    assert brief.receive(wait=2) == []
    assert brief.counts() == (0, 1, 0)


def test_a_timeout_can_be_made_shorter(queue):
    queue.send()
    queue.change_visibility(queue.receive_one(), 1)
    with takes_at_most(9, "waiting for a timeout of 1 s"):
        queue.receive_one()


def test_a_message_that_is_given_back_is_visible_at_once_and_keeps_its_count(queue):
    queue.send()
    queue.change_visibility(queue.receive_one(), 0)
    [message] = queue.receive()
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_change_does_not_last_beyond_its_receive(brief):
    brief.send()
    message = brief.receive_one()
    brief.change_visibility(message, 600)
    brief.change_visibility(message, 0)
    brief.receive_one()
    with takes_at_most(9, "waiting for the queue's timeout of 1 s"):
        brief.receive_one()


def test_a_change_that_comes_after_the_timeout_is_taken(queue):
    """Recorded: SQS answers 200. That the message is in flight again then is our choice, for the holder of the handle
    takes it for so."""
    queue.send()
    message = queue.receive_one()
    queue.change_visibility(message, 0)
    queue.change_visibility(message, 0)
    assert queue.counts() == (1, 0, 0)
    queue.change_visibility(message, 60)
    assert queue.counts() == (0, 1, 0)
    assert queue.receive() == []
    queue.delete(message)
    assert queue.counts() == (0, 0, 0)


def test_a_handle_of_an_earlier_receive_changes_its_message(queue):
    """Recorded: what the older handle asks for happens to the message."""
    queue.send()
    first = queue.receive_one(VisibilityTimeout=0)
    queue.receive_one(VisibilityTimeout=600)
    queue.change_visibility(first, 0)
    assert queue.counts() == (1, 0, 0)


def test_a_fifo_message_that_is_not_in_flight_cannot_change(new_queue):
    """The service model has the error; when a FIFO queue gives it is not known."""
    queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true")
    queue.send(MessageGroupId="guild")
    message = queue.receive_one()
    queue.change_visibility(message, 0)
    with refused("AWS.SimpleQueueService.MessageNotInflight"):
        queue.change_visibility(message, 60)
    assert queue.counts() == (1, 0, 0)


def test_a_deleted_message_cannot_change(queue):
    queue.send()
    message = queue.receive_one()
    queue.delete(message)
    with refused("InvalidParameterValue", "AWS.SimpleQueueService.MessageNotInflight"):
        queue.change_visibility(message, 60)


def test_twelve_hours_is_all_that_a_receive_can_have(queue):
    queue.send()
    message = queue.receive_one()
    # A poll of a second is a clock: less than twelve hours are left after it.
    assert queue.receive(wait=2) == []
    with refused("InvalidParameterValue"):
        queue.change_visibility(message, 43200)
    queue.change_visibility(message, 43100)


def test_a_batch_of_changes_says_of_each_whether_it_is_done(sqs, queue):
    queue.send_batch(entry(1), entry(2), entry(3))
    back, kept, gone = queue.receive()
    queue.delete(gone)
    entries = [
        {"Id": "back", "ReceiptHandle": back["ReceiptHandle"], "VisibilityTimeout": 0},
        {"Id": "kept", "ReceiptHandle": kept["ReceiptHandle"], "VisibilityTimeout": 600},
        {"Id": "garbage", "ReceiptHandle": "garbage", "VisibilityTimeout": 0},
        {"Id": "gone", "ReceiptHandle": gone["ReceiptHandle"], "VisibilityTimeout": 60},
        {"Id": "too-long", "ReceiptHandle": kept["ReceiptHandle"], "VisibilityTimeout": 43201},
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)
    assert {each["Id"] for each in answer["Successful"]} == {"back", "kept"}
    assert {each["Id"]: each["Code"] for each in answer["Failed"]} == {
        "garbage": "ReceiptHandleIsInvalid",
        "gone": "InvalidParameterValue",
        "too-long": "InvalidParameterValue",
    }
    assert [message["MessageId"] for message in queue.receive()] == [back["MessageId"]]


def test_a_delayed_message_comes_when_its_delay_ends(queue):
    queue.send("later", DelaySeconds=3)
    queue.send("now")
    assert bodies(queue.receive()) == ["now"]
    assert queue.counts() == (0, 1, 1)
    assert queue.receive_one()["Body"] == "later"


def test_a_queue_may_delay_all_its_messages_and_a_message_may_differ(new_queue):
    queue = new_queue(DelaySeconds="3")
    queue.send("later")
    queue.send("now", DelaySeconds=0)
    assert bodies(queue.receive()) == ["now"]
    assert queue.receive_one()["Body"] == "later"


def test_a_changed_delay_is_that_of_later_messages_alone(new_queue):
    queue = new_queue(DelaySeconds="900")
    queue.send("before")
    queue.set(DelaySeconds="0")
    queue.send("after")
    assert bodies(queue.receive()) == ["after"]
    assert queue.counts() == (0, 1, 1)
