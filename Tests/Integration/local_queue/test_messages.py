"""Messages: what is received is what was sent, with its attributes, digests, times and counts."""

import time
import uuid

import pytest

from support.contract import bodies, binary, entry, md5, md5_of_attributes, refused, text

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

EVERY_TYPE = {
    "city": text("Zoë's place 🎡"),
    "weight": text("-12.50", "Number"),
    "thumbprint": binary(bytes(range(256))),
    "event.json": text('{"a": 1}', "String.json"),
    "age": text("7", "Number.int"),
    "picture-1_b": binary(b"\x00\xff", "Binary.png"),
}


def test_a_message_comes_as_it_was_sent(queue):
    sent = queue.send("hello, world")
    [message] = queue.receive()
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "hello, world")
    assert sent["MD5OfMessageBody"] == message["MD5OfBody"] == md5("hello, world")
    assert str(uuid.UUID(sent["MessageId"])) == sent["MessageId"]
    assert "MessageAttributes" not in message and "MD5OfMessageAttributes" not in message


@pytest.mark.parametrize(
    "body",
    [
        "\t\n\r first and last \r\n",
        "\r",
        " ",
        '{"quote": "\\"", "slash": "\\\\/"}',
        "<b>&amp;</b> ]]> <!-- %41+%2B a=b&c=d",
        "Zoë 🎡 \u0020\ud7ff\ue000\ufffd\U00010000\U0010ffff",
        "\x7f\x85\x9f\u2028\u2029\ufeff",
        "e\u0301 is not \u00e9",
    ],
    ids=["white space", "a return", "a space", "JSON", "markup", "the edges of Unicode", "odd ones", "accents"],
)
def test_a_body_is_not_changed(body, queue):
    sent = queue.send(body)
    [message] = queue.receive()
    assert message["Body"] == body
    assert sent["MD5OfMessageBody"] == message["MD5OfBody"] == md5(body)


def test_attributes_of_every_type_come_as_they_were_sent(queue):
    sent = queue.send(MessageAttributes=EVERY_TYPE)
    [message] = queue.receive()
    assert message["MessageAttributes"] == EVERY_TYPE
    assert sent["MD5OfMessageAttributes"] == message["MD5OfMessageAttributes"] == md5_of_attributes(EVERY_TYPE)


@pytest.mark.parametrize(
    ("wanted", "comes"),
    [
        ([], []),
        (["bar"], ["bar"]),
        (["foo", "nothing"], ["foo"]),
        (["foo.*"], ["foo", "foo.1", "foo.2"]),
        (["foo.1", "bar"], ["bar", "foo.1"]),
        (["All"], ["bar", "foo", "foo.1", "foo.2"]),
        ([".*"], ["bar", "foo", "foo.1", "foo.2"]),
    ],
    ids=str,
)
def test_only_the_attributes_that_are_wanted_come(wanted, comes, queue):
    attributes = {name: text(name) for name in ("foo", "foo.1", "foo.2", "bar")}
    queue.send(MessageAttributes=attributes)
    [message] = queue.receive(custom=wanted)
    came = message.get("MessageAttributes", {})
    if wanted != ["foo.*"]:
        assert sorted(came) == comes
    else:
        # "foo.*" is everything that starts with "foo." or with "foo": the documents say both.
        assert {"foo.1", "foo.2"} <= set(came) <= {"foo", "foo.1", "foo.2"}
    # The digest is of what came, so that whoever reads it can check it.
    assert message.get("MD5OfMessageAttributes") == (md5_of_attributes(came) if came else None)


def test_a_trace_header_is_a_system_attribute(queue):
    sent = queue.send(
        MessageAttributes={"city": text("Oslo")}, MessageSystemAttributes={"AWSTraceHeader": text(TRACE)}
    )
    [message] = queue.receive()
    assert sent["MD5OfMessageSystemAttributes"] == md5_of_attributes({"AWSTraceHeader": text(TRACE)})
    assert message["Attributes"]["AWSTraceHeader"] == TRACE
    assert list(message["MessageAttributes"]) == ["city"]


def test_a_message_knows_its_times_its_sender_and_its_count(queue):
    before = int(time.time() * 1000)
    queue.send()
    sent = int(time.time() * 1000) + 1
    [message] = queue.receive(VisibilityTimeout=0)
    received = int(time.time() * 1000) + 1
    attributes = message["Attributes"]
    assert before <= int(attributes["SentTimestamp"]) <= sent
    assert int(attributes["SentTimestamp"]) <= int(attributes["ApproximateFirstReceiveTimestamp"]) <= received
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["SenderId"]

    again = queue.receive_one()
    assert again["Attributes"] == {**attributes, "ApproximateReceiveCount": "2"}
    assert again["MessageId"] == message["MessageId"]


@pytest.mark.parametrize("wanted", [[], ["SentTimestamp"], ["SenderId", "ApproximateReceiveCount"]], ids=str)
def test_only_the_system_attributes_that_are_wanted_come(wanted, queue):
    queue.send()
    [message] = queue.receive(system=wanted)
    assert set(message.get("Attributes", {})) == set(wanted)


def test_an_empty_queue_answers_without_messages(sqs, queue):
    assert "Messages" not in sqs.receive_message(QueueUrl=queue.url)


def test_one_message_comes_unless_more_are_asked_for(sqs, queue):
    queue.send_batch(*(entry(number) for number in range(3)))
    assert len(sqs.receive_message(QueueUrl=queue.url)["Messages"]) == 1
    assert len(queue.receive(10)) == 2


def test_ten_come_at_most_and_none_twice(queue):
    for start in (0, 10):
        queue.send_batch(*(entry(number, str(number)) for number in range(start, start + 10)))
    received = [bodies(queue.receive(10)) for _ in range(2)]
    assert [len(batch) for batch in received] == [10, 10]
    assert sorted(map(int, sum(received, []))) == list(range(20))
    assert queue.receive() == []


def test_a_batch_says_of_each_what_was_sent(queue):
    attributes = {"city": text("Oslo")}
    answer = queue.send_batch(
        entry("a", "first"),
        entry("b-_B9", "second", MessageAttributes=attributes, MessageSystemAttributes={"AWSTraceHeader": text(TRACE)}),
    )
    sent = {each["Id"]: each for each in answer["Successful"]}
    assert answer.get("Failed", []) == [] and set(sent) == {"a", "b-_B9"}
    assert sent["a"]["MD5OfMessageBody"] == md5("first")
    assert sent["b-_B9"]["MD5OfMessageBody"] == md5("second")
    assert sent["b-_B9"]["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
    assert sent["b-_B9"]["MD5OfMessageSystemAttributes"] == md5_of_attributes({"AWSTraceHeader": text(TRACE)})
    received = {message["MessageId"]: message for message in queue.receive()}
    assert received[sent["a"]["MessageId"]]["Body"] == "first"
    assert received[sent["b-_B9"]["MessageId"]]["MessageAttributes"] == attributes


def test_one_bad_entry_does_not_fail_the_others(queue):
    answer = queue.send_batch(entry("good"), entry("bad", "\x00"), entry("delayed", DelaySeconds=901))
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    failed = {each["Id"]: each for each in answer["Failed"]}
    assert {id: each["Code"] for id, each in failed.items()} == {
        "bad": "InvalidMessageContents",
        "delayed": "InvalidParameterValue",
    }
    assert all(each["SenderFault"] is True and each["Message"] for each in failed.values())
    assert queue.counts() == (1, 0, 0)


def test_a_deleted_message_never_comes_again(queue):
    queue.send()
    [message] = queue.receive(VisibilityTimeout=0)
    queue.delete(message)
    assert queue.receive(wait=1) == []
    assert queue.counts() == (0, 0, 0)


def test_a_batch_of_deletes_says_of_each_whether_it_is_done(sqs, queue):
    queue.send_batch(entry(1), entry(2))
    one, two = queue.receive()
    entries = [
        {"Id": "one", "ReceiptHandle": one["ReceiptHandle"]},
        {"Id": "garbage", "ReceiptHandle": "garbage"},
        {"Id": "two", "ReceiptHandle": two["ReceiptHandle"]},
    ]
    answer = sqs.delete_message_batch(QueueUrl=queue.url, Entries=entries)
    assert {each["Id"] for each in answer["Successful"]} == {"one", "two"}
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("garbage", "ReceiptHandleIsInvalid")]
    assert queue.counts() == (0, 0, 0)


def test_a_handle_of_another_queue_deletes_nothing(new_queue, queue):
    queue.send()
    [message] = queue.receive(VisibilityTimeout=0)
    with refused("ReceiptHandleIsInvalid", "InvalidParameterValue"):
        new_queue().delete(message)
    assert queue.counts() == (1, 0, 0)


def test_queues_do_not_mix(new_queue):
    one, other = new_queue(), new_queue()
    one.send("one")
    other.send("other")
    assert bodies(one.receive()) == ["one"]
    assert bodies(other.receive()) == ["other"]


def test_a_standard_queue_takes_group_ids_and_does_not_hold_a_group_back(queue):
    queue.send("one", MessageGroupId="guild")
    queue.send("two", MessageGroupId="guild")
    [first], [second] = queue.receive(1), queue.receive(1)
    assert sorted(bodies([first, second])) == ["one", "two"]
    assert first["Attributes"]["MessageGroupId"] == "guild"
