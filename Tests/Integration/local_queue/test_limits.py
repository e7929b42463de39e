"""SQS's limits: what is just within is taken, and what is just beyond is refused with SQS's own code."""

import pytest

from support.contract import MIB, binary, entry, refused, text

INVALID = "InvalidParameterValue"


class TestQueueNames:
    @pytest.mark.parametrize("suffix", ["", "-", "_", "x" * 63], ids=["short", "hyphen", "underscore", "eighty"])
    def test_good_ones(self, suffix, sqs, new_name):
        name = new_name() + suffix
        assert len(name) <= 80
        assert sqs.create_queue(QueueName=name)["QueueUrl"].endswith(f"/{name}")

    @pytest.mark.parametrize(
        "name",
        ["", "x" * 81, "with space", "with.dot", "with/slash", "Zoë", "x.fifo"],
        ids=["empty", "81 letters", "a space", "a dot", "a slash", "not ASCII", "FIFO's end"],
    )
    def test_bad_ones(self, name, sqs):
        with refused(INVALID, "MissingParameter"):
            sqs.create_queue(QueueName=name)

    @pytest.mark.parametrize("suffix", ["", "-fifo", ".FIFO", ".fif", "x" * 63 + ".fifo"])
    def test_bad_ones_of_fifo_queues(self, suffix, sqs, new_name):
        with refused(INVALID):
            sqs.create_queue(QueueName=new_name(suffix), Attributes={"FifoQueue": "true"})


RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, MIB),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}


@pytest.mark.parametrize("name", RANGES)
class TestAttributeRanges:
    def test_their_ends_are_good(self, name, queue, new_queue):
        for value in map(str, RANGES[name]):
            queue.set(**{name: value})
            assert queue.attributes(name) == {name: value}
            assert new_queue(**{name: value}).attributes(name) == {name: value}

    @pytest.mark.parametrize("beyond", ["too little", "too much", "no number", "a fraction", "nothing"])
    def test_what_is_beyond_is_refused(self, name, beyond, queue, new_queue):
        low, high = RANGES[name]
        values = {"too little": low - 1, "too much": high + 1, "no number": "many", "a fraction": "1.5", "nothing": ""}
        before = queue.attributes(name)
        with refused("InvalidAttributeValue"):
            queue.set(**{name: str(values[beyond])})
        with refused("InvalidAttributeValue"):
            new_queue(**{name: str(values[beyond])})
        assert queue.attributes(name) == before


class TestOtherAttributes:
    @pytest.mark.parametrize("name", ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"])
    def test_a_standard_queue_has_none_of_fifos(self, name, new_queue, queue):
        value = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}.get(name, "true")
        with refused("InvalidAttributeName", "InvalidAttributeValue"):
            new_queue(**{name: value})
        with refused("InvalidAttributeName", "InvalidAttributeValue"):
            queue.set(**{name: value})

    def test_a_standard_queue_cannot_become_one(self, queue):
        with refused("InvalidAttributeName"):
            queue.set(FifoQueue="true")

    def test_a_bad_one_leaves_the_good_ones_undone(self, queue):
        with refused("InvalidAttributeValue"):
            queue.set(VisibilityTimeout="7", DelaySeconds="901")
        assert queue.attributes("VisibilityTimeout") == {"VisibilityTimeout": "30"}

    @pytest.mark.parametrize("value", ["yes", ""], ids=["yes", "nothing"])
    def test_a_switch_is_true_or_false(self, value, new_queue):
        queue = new_queue(FifoQueue="true")
        with refused("InvalidAttributeValue"):
            queue.set(ContentBasedDeduplication=value)


class TestSizes:
    @pytest.mark.parametrize("letter", ["x", "é", "🎡", "\t", "&"], ids=["ASCII", "two bytes", "four", "tab", "markup"])
    def test_a_body_has_a_mebibyte_at_most(self, letter, queue):
        body = letter * (MIB // len(letter.encode()))
        assert len(body.encode()) == MIB
        queue.send(body)
        [message] = queue.receive()
        assert message["Body"] == body
        with refused(INVALID):
            queue.send(body + "x")

    def test_attributes_count_with_their_names_and_types(self, queue):
        attributes = {"name": text("x" * 100), "bin": binary(b"\x00" * 50, "Binary.png")}
        counted = len("name" + "String") + 100 + len("bin" + "Binary.png") + 50
        queue.send("x" * (MIB - counted), MessageAttributes=attributes)
        with refused(INVALID):
            queue.send("x" * (MIB - counted + 1), MessageAttributes=attributes)
        assert queue.counts() == (1, 0, 0)

    def test_a_queue_may_allow_less(self, new_queue):
        queue = new_queue(MaximumMessageSize="1024")
        queue.send("é" * 512)
        queue.send("x" * 1000, MessageAttributes={"a": text("x" * 17)})
        with refused(INVALID):
            queue.send("é" * 512 + "x")
        with refused(INVALID):
            queue.send("x" * 1000, MessageAttributes={"a": text("x" * 18)})
        assert queue.counts() == (2, 0, 0)

    def test_a_batch_has_a_mebibyte_in_total(self, queue):
        half = "x" * (MIB // 2)
        assert len(queue.send_batch(entry(1, half), entry(2, half))["Successful"]) == 2
        with refused("AWS.SimpleQueueService.BatchRequestTooLong"):
            queue.send_batch(entry(1, half), entry(2, half + "x"))
        with refused("AWS.SimpleQueueService.BatchRequestTooLong"):
            queue.send_batch(entry(1, half), entry(2, half, MessageAttributes={"a": text("x")}))
        assert queue.counts() == (2, 0, 0)


class TestBodies:
    @pytest.mark.parametrize("letter", ["\x00", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"], ids=ascii)
    def test_characters_that_xml_lacks_are_refused(self, letter, queue):
        with refused("InvalidMessageContents"):
            queue.send(f"hello{letter}")

    def test_an_empty_body_is_refused(self, queue):
        with refused("MissingParameter", INVALID):
            queue.send("")


class TestMessageAttributes:
    def test_ten_at_most(self, queue):
        attributes = {f"name-{number}": text("x") for number in range(10)}
        queue.send(MessageAttributes=attributes)
        with refused(INVALID):
            queue.send(MessageAttributes={**attributes, "name-10": text("x")})

    @pytest.mark.parametrize("name", ["x" * 256, "a.b-c_D9", "Aws", "amazonian", "Zoë"], ids=lambda name: name[:12])
    def test_good_names(self, name, queue):
        queue.send(MessageAttributes={name: text("x")})
        assert list(queue.receive_one()["MessageAttributes"]) == [name]

    @pytest.mark.parametrize(
        "name",
        ["x" * 257, ".a", "a.", "a..b", "a b", "a/b", "a§b", "AWS.a", "aws.a", "Amazon.a", "amazon.a"],
        ids=lambda name: ascii(name[:12]),
    )
    def test_bad_names(self, name, queue):
        with refused(INVALID):
            queue.send(MessageAttributes={name: text("x")})

    @pytest.mark.parametrize("type", ["string", "Text", "String ", "Stringy", "", "String." + "x" * 250])
    def test_bad_types(self, type, queue):
        with refused(INVALID):
            queue.send(MessageAttributes={"name": text("x", type)})

    @pytest.mark.parametrize("value", ["0", "-1", "12.50", "1e10", "-1.5E-10", "9" * 38])
    def test_good_numbers(self, value, queue):
        queue.send(MessageAttributes={"name": text(value, "Number")})
        assert queue.receive_one()["MessageAttributes"]["name"]["StringValue"] == value

    @pytest.mark.parametrize(
        "value",
        [text(""), text("", "Number"), text("many", "Number"), text("\x00"), binary(b""), text("x", "Binary")],
        ids=["no string", "no number", "a word as a number", "no text", "no bytes", "a string as bytes"],
    )
    def test_bad_values(self, value, queue):
        with refused(INVALID, "InvalidMessageContents"):
            queue.send(MessageAttributes={"name": value})

    @pytest.mark.parametrize(
        "attribute",
        [{"Other": text("x")}, {"AWSTraceHeader": text("1", "Number")}],
        ids=["another name", "another type"],
    )
    def test_the_trace_header_is_the_only_system_attribute(self, attribute, queue):
        with refused(INVALID):
            queue.send(MessageSystemAttributes=attribute)


class TestNumbers:
    @pytest.mark.parametrize("count", [0, 11, -1])
    def test_one_to_ten_messages(self, count, queue):
        with refused(INVALID):
            queue.receive(count)

    @pytest.mark.parametrize("seconds", [-1, 21])
    def test_a_wait_of_twenty_seconds_at_most(self, seconds, queue):
        with refused(INVALID):
            queue.receive(wait=seconds)

    @pytest.mark.parametrize("seconds", [-1, 43_201])
    def test_a_visibility_timeout_of_twelve_hours_at_most(self, seconds, queue):
        with refused(INVALID):
            queue.receive(VisibilityTimeout=seconds)
        queue.send()
        message = queue.receive_one(VisibilityTimeout=43_200)
        with refused(INVALID):
            queue.change_visibility(message, seconds)

    @pytest.mark.parametrize("seconds", [-1, 901])
    def test_a_delay_of_fifteen_minutes_at_most(self, seconds, queue):
        with refused(INVALID):
            queue.send(DelaySeconds=seconds)
        assert queue.counts() == (0, 0, 0)


BATCHES = {
    "send": lambda queue, ids: queue.send_batch(*map(entry, ids)),
    "delete": lambda queue, ids: queue.sqs.delete_message_batch(
        QueueUrl=queue.url, Entries=[{"Id": id, "ReceiptHandle": "x"} for id in ids]
    ),
    "change": lambda queue, ids: queue.sqs.change_message_visibility_batch(
        QueueUrl=queue.url, Entries=[{"Id": id, "ReceiptHandle": "x", "VisibilityTimeout": 0} for id in ids]
    ),
}


@pytest.mark.parametrize("call", BATCHES.values(), ids=BATCHES)
class TestBatches:
    def test_none_without_entries(self, call, queue):
        with refused("AWS.SimpleQueueService.EmptyBatchRequest"):
            call(queue, [])

    def test_ten_entries_at_most(self, call, queue):
        with refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest"):
            call(queue, [str(number) for number in range(11)])
        assert queue.counts() == (0, 0, 0)

    def test_ids_are_distinct(self, call, queue):
        with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct"):
            call(queue, ["1", "2", "1"])
        assert queue.counts() == (0, 0, 0)

    @pytest.mark.parametrize("id", ["", "x" * 81, "a b", "a.b", "é"], ids=["empty", "long", "space", "dot", "é"])
    def test_ids_have_eighty_letters_digits_hyphens_and_underscores(self, id, call, queue):
        with refused("AWS.SimpleQueueService.InvalidBatchEntryId"):
            call(queue, [id])

    def test_an_id_of_eighty_letters_is_good(self, call, queue):
        assert "ResponseMetadata" in call(queue, ["aZ09-_".ljust(80, "x")])
