"""What SQS was recorded to answer where its documentation says less.

The source of each test is a recorded answer, unless it names another: requests that were made to SQS in 2023 and 2024 for
the snapshots of LocalStack's SQS tests, here as facts, asked for by tests of our own."""

import json
import urllib.parse

import pytest
from botocore.exceptions import ClientError

from support.contract import bodies, entry, redrive_policy, refused, text
from support.http import Http, credential


def error(call):
    """The code and the message that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response["Error"]
    return answer["Code"], answer["Message"]


@pytest.fixture
def fifo(new_queue):
    return new_queue(FifoQueue="true", ContentBasedDeduplication="true")


class TestGroups:
    def send(self, queue, *names):
        """`a1` is the first message of group a."""
        for name in names:
            queue.send(name, MessageGroupId=name[0])

    @pytest.mark.parametrize("timeout", [0, 3])
    def test_a_message_in_flight_holds_back_only_what_is_behind_it(self, timeout, fifo):
        self.send(fifo, "a1", "a2", "b1")
        first, second = fifo.receive(2)
        fifo.change_visibility(first, timeout)
        expected = ["b1"] if timeout else ["b1", "a1"]
        assert bodies(fifo.receive(10)) == expected
        if timeout:
            assert bodies(fifo.receive(10, wait=10)) == ["a1"]
        assert fifo.receive(10) == [], "the second is in flight still"
        fifo.change_visibility(second, 0)
        assert fifo.receive(10) == [], "and behind the first"

    def test_what_is_behind_comes_when_all_before_it_is_settled(self, fifo):
        self.send(fifo, "a1", "b1", "a2", "b2", "a3", "c1")
        first, second = fifo.receive(2)
        assert bodies([first, second]) == ["a1", "a2"]
        fifo.delete(first)
        assert bodies(fifo.receive(10)) == ["b1", "b2", "c1"]
        fifo.delete(second)
        assert bodies(fifo.receive(10)) == ["a3"]

    def test_a_timeout_of_zero_leaves_a_group_as_it_was(self, fifo):
        self.send(fifo, "a1", "b1", "b2", "c1", "a2")
        assert bodies(fifo.receive(3, VisibilityTimeout=0)) == ["a1", "a2", "b1"]
        assert bodies(fifo.receive(10, VisibilityTimeout=0)) == ["c1", "a1", "a2", "b1", "b2"]

    def test_a_message_that_comes_in_does_not_free_its_group(self, fifo):
        self.send(fifo, "a1")
        first = fifo.receive_one()
        self.send(fifo, "a2")
        assert fifo.receive(10, wait=1) == []
        fifo.delete(first)
        assert bodies(fifo.receive(10)) == ["a2"]


class TestDeduplication:
    def test_a_purge_forgets_it(self, new_queue):
        queue = new_queue(FifoQueue="true")
        ids = {"MessageGroupId": "guild", "MessageDeduplicationId": "daily"}
        queue.send("before", **ids)
        queue.sqs.purge_queue(QueueUrl=queue.url)
        queue.send("after", **ids)
        assert bodies(queue.receive()) == ["after"]

    @pytest.mark.parametrize("scope", ["queue", "messageGroup"])
    def test_a_change_of_its_scope_takes_a_while(self, scope, new_queue):
        """The API reference, SetQueueAttributes: up to 60 seconds. BrokerTests has what comes then."""
        other = {"queue": "messageGroup", "messageGroup": "queue"}[scope]
        queue = new_queue(FifoQueue="true", DeduplicationScope=scope)
        queue.set(DeduplicationScope=other)
        assert queue.attributes("DeduplicationScope") == {"DeduplicationScope": other}
        for group in ("one", "two"):
            queue.send(group, MessageGroupId=group, MessageDeduplicationId="same")
        assert bodies(queue.receive()) == (["one"] if scope == "queue" else ["one", "two"])

    def test_a_scope_of_groups_needs_no_throughput_of_groups(self, new_queue):
        queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true", DeduplicationScope="messageGroup")
        for group in ("one", "two", "two"):
            queue.send("same", MessageGroupId=group)
        assert len(queue.receive()) == 2


@pytest.mark.parametrize(("before", "after"), [("900", "0"), ("0", "900")], ids=["shorter", "longer"])
def test_a_fifo_queues_delay_is_that_of_the_messages_it_has(before, after, new_queue):
    """The developer guide, "Amazon SQS delay queues": for FIFO queues a change is retroactive."""
    queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true", DelaySeconds=before)
    for body in ("a", "b"):
        queue.send(body, MessageGroupId="guild")
    queue.set(DelaySeconds=after)
    assert queue.counts() == ((2, 0, 0) if after == "0" else (0, 0, 2))
    assert bodies(queue.receive()) == (["a", "b"] if after == "0" else [])


class TestSending:
    def test_a_delay_of_its_own_is_not_a_fifo_messages(self, new_queue):
        """Zero is taken; that the queue's delay holds all the same is the API reference's: "you can't set DelaySeconds per
        message"."""
        queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true", DelaySeconds="900")
        queue.send(MessageGroupId="guild", DelaySeconds=0)
        assert queue.counts() == (0, 0, 1)
        assert error(lambda: queue.send(MessageGroupId="guild", DelaySeconds=2)) == (
            "InvalidParameterValue",
            "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for "
            "this queue type.",
        )

    def test_a_batch_with_an_entry_without_a_group_is_refused_as_a_whole(self, new_queue):
        queue = new_queue(FifoQueue="true")
        good = entry("good", MessageGroupId="guild", MessageDeduplicationId="1")
        assert error(lambda: queue.send_batch(good, entry("bad", MessageDeduplicationId="2"))) == (
            "InvalidParameterValue",
            "The request must contain the parameter MessageGroupId.",
        )
        assert error(lambda: queue.send_batch(good, entry("bad", MessageGroupId="guild"))) == (
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )
        assert queue.counts() == (0, 0, 0)

    def test_a_message_without_a_group_alone(self, new_queue):
        queue = new_queue(FifoQueue="true")
        assert error(lambda: queue.send(MessageDeduplicationId="1")) == (
            "MissingParameter",
            "The request must contain the parameter MessageGroupId.",
        )

    def test_a_message_that_is_too_long(self, new_queue):
        queue = new_queue(MaximumMessageSize="1024")
        queue.send("x" * 1024)
        reason = "Reason: Message must be shorter than 1024 bytes."
        assert error(lambda: queue.send("x" * 1025)) == (
            "InvalidParameterValue",
            f"One or more parameters are invalid. {reason}",
        )
        [failed] = queue.send_batch(entry("good"), entry("bad", "x" * 1025))["Failed"]
        assert failed == {
            "Id": "bad",
            "Code": "InvalidParameterValue",
            "Message": f"One or more parameters cannot be validated. {reason}",
            "SenderFault": True,
        }

    def test_an_attributes_name_has_letters_of_any_alphabet(self, queue):
        attributes = {"attr.1øßä": text("x")}
        queue.send(MessageAttributes=attributes)
        assert queue.receive_one()["MessageAttributes"] == attributes
        for sign in '!"§(? ':
            with refused("InvalidParameterValue"):
                queue.send(MessageAttributes={f"a-{sign}-b": text("x")})

    def test_an_attribute_needs_a_value(self, queue):
        assert error(lambda: queue.send(MessageAttributes={"ErrorDetails": text("")})) == (
            "InvalidParameterValue",
            "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
        )

    def test_a_control_character_in_an_attribute_is_a_bad_parameter(self, queue):
        with refused("InvalidParameterValue"):
            queue.send(MessageAttributes={"a": text("x\x08,\x0b")})

    @pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-Infinity", "0x1p3", "1e", "1_000", " 1", "one", "١"])
    def test_a_number_that_is_none(self, value, queue):
        """The developer guide, "Amazon SQS message attributes": positive or negative integers or floating point numbers."""
        with refused("InvalidParameterValue"):
            queue.send(MessageAttributes={"a": text(value, "Number")})

    @pytest.mark.parametrize("value", ["0", "-12.50", "+1", "6.02e23", "1E-5", "12345678901234567890123456789012345678"])
    def test_a_number_that_is_one_comes_as_it_was(self, value, queue):
        queue.send(MessageAttributes={"a": text(value, "Number.of-something")})
        assert queue.receive_one()["MessageAttributes"]["a"]["StringValue"] == value

    @pytest.mark.one_client
    def test_a_trace_in_a_header_goes_with_the_message(self, server, queue):
        """The developer guide of X-Ray, "Amazon SQS and AWS X-Ray". One in the request's own attributes goes before."""
        http, root = Http(server.endpoint), "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        named = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-0-0"}}
        http.json("SendMessage", {"QueueUrl": queue.url, "MessageBody": "one"}, X_Amzn_Trace_Id=root)
        http.json(
            "SendMessage",
            {"QueueUrl": queue.url, "MessageBody": "two", "MessageSystemAttributes": named},
            X_Amzn_Trace_Id=root,
        )
        http.json("SendMessageBatch", {"QueueUrl": queue.url, "Entries": [entry("three")]}, X_Amzn_Trace_Id=root)
        http.query("SendMessage", urllib.parse.urlsplit(queue.url).path, MessageBody="four")
        traces = [message["Attributes"].get("AWSTraceHeader") for message in queue.receive()]
        assert traces == [root, "Root=1-0-0", root, None]


class TestReceiving:
    @pytest.mark.parametrize(
        ("asked", "named"),
        [
            (["*"], ["General", "Hello", "Help.Me"]),
            ([".*"], ["General", "Hello", "Help.Me"]),
            (["All"], ["General", "Hello", "Help.Me"]),
            (["Hel.*"], ["Hello", "Help.Me"]),
            (["Foo", "Hello"], ["Hello"]),
            (["Foo", "Help"], []),
            (["AWS."], []),
            (["..foo"], []),
        ],
    )
    def test_message_attributes_are_chosen_by_name_or_prefix(self, asked, named, queue):
        queue.send(MessageAttributes={name: text("x") for name in ("General", "Hello", "Help.Me")})
        [message] = queue.receive(custom=asked)
        assert sorted(message.get("MessageAttributes", {})) == named

    @pytest.mark.one_client
    def test_the_newer_name_of_a_list_goes_before_the_older(self, server, queue):
        """The service model calls AttributeNames deprecated; no recorded answer has both."""
        queue.send()
        names = {"MessageSystemAttributeNames": ["SentTimestamp"], "AttributeNames": ["All"]}
        answer = Http(server.endpoint).json("ReceiveMessage", {"QueueUrl": queue.url, **names})
        assert list(answer.json["Messages"][0]["Attributes"]) == ["SentTimestamp"]

    def test_limits_are_said_in_its_words(self, queue):
        assert error(lambda: queue.receive(11)) == (
            "InvalidParameterValue",
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        )
        assert error(lambda: queue.receive(1, wait=21)) == (
            "InvalidParameterValue",
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        )


class TestAttributes:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FifoQueue", "false"),
            ("ContentBasedDeduplication", "false"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ],
    )
    def test_those_of_a_fifo_queue_are_not_known_elsewhere(self, name, value, sqs, new_name, queue):
        expected = ("InvalidAttributeName", f"Unknown Attribute {name}.")
        assert error(lambda: sqs.create_queue(QueueName=new_name(), Attributes={name: value})) == expected
        assert error(lambda: queue.set(**{name: value})) == expected

    def test_a_queue_stays_what_it_is(self, new_queue, queue):
        assert error(lambda: queue.set(FifoQueue="true")) == ("InvalidAttributeName", "Unknown Attribute FifoQueue.")
        fifo = new_queue(FifoQueue="True")
        fifo.set(FifoQueue="true")
        assert error(lambda: fifo.set(FifoQueue="false")) == (
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        )

    def test_one_encryption_at_a_time(self, queue):
        names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
        key = {"KmsMasterKeyId": "key", "KmsDataKeyReusePeriodSeconds": "6000"}
        queue.set(**key, SqsManagedSseEnabled="false")
        assert queue.attributes(*names) == {**key, "SqsManagedSseEnabled": "false"}
        code, message = error(lambda: queue.set(KmsMasterKeyId="key", SqsManagedSseEnabled="true"))
        assert code == "InvalidAttributeName"
        assert message == (
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
        )

    @pytest.mark.parametrize("change", [{"KmsMasterKeyId": ""}, {"SqsManagedSseEnabled": "true"}], ids=str)
    def test_without_its_key_an_encryption_has_no_period(self, change, queue):
        """No source is known for the second; a queue that shows both would say what cannot be."""
        queue.set(KmsMasterKeyId="key", KmsDataKeyReusePeriodSeconds="6000")
        queue.set(**change)
        names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
        assert queue.attributes(*names) == {"SqsManagedSseEnabled": "true"}

    def test_a_key_ends_the_encryption_of_sqs_itself(self, queue):
        """No source is known."""
        queue.set(SqsManagedSseEnabled="true")
        queue.set(KmsMasterKeyId="key")
        assert queue.attributes("SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "false"}

    def test_a_dead_letter_queue_that_is_no_arn(self, queue):
        policy = json.dumps({"deadLetterTargetArn": "dummy", "maxReceiveCount": 42})
        assert error(lambda: queue.set(RedrivePolicy=policy)) == (
            "InvalidParameterValue",
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: Invalid value for deadLetterTargetArn.",
        )

    def test_a_policy_of_permissions_alone(self, sqs, queue):
        account = "668614515564"
        sqs.add_permission(QueueUrl=queue.url, Label="one", AWSAccountIds=[account], Actions=["ReceiveMessage"])
        policy = json.loads(queue.attributes("Policy")["Policy"])
        assert policy == {
            "Version": "2008-10-17",
            "Id": f"{queue.arn}/SQSDefaultPolicy",
            "Statement": [
                {
                    "Sid": "one",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "SQS:ReceiveMessage",
                    "Resource": queue.arn,
                }
            ],
        }


@pytest.mark.one_client
@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-3", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_an_arn_begins_with_its_regions_partition(region, partition, server, new_name):
    """The AWS General Reference, "Amazon Resource Names"."""
    http, headers = Http(server.endpoint), {"Authorization": credential(region)}
    name = new_name()
    url = http.json("CreateQueue", {"QueueName": name}, **headers).json["QueueUrl"]
    permission = {"Label": "one", "AWSAccountIds": ["111122223333"], "Actions": ["*"]}
    http.json("AddPermission", {"QueueUrl": url, **permission}, **headers)
    answer = http.json("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn", "Policy"]}, **headers)
    arn = f"arn:{partition}:sqs:{region}:000000000000:{name}"
    assert answer.json["Attributes"]["QueueArn"] == arn
    [statement] = json.loads(answer.json["Attributes"]["Policy"])["Statement"]
    assert (statement["Resource"], statement["Principal"]) == (
        arn,
        {"AWS": f"arn:{partition}:iam::111122223333:root"},
    )


class TestLists:
    @pytest.mark.one_client
    def test_a_queue_without_sources_has_an_empty_list_of_them(self, server, queue):
        """The service model requires it."""
        assert Http(server.endpoint).json("ListDeadLetterSourceQueues", {"QueueUrl": queue.url}).json == {"queueUrls": []}


class TestMoveTasks:
    def test_a_handle_that_is_none(self, sqs):
        code, message = error(lambda: sqs.cancel_message_move_task(TaskHandle="foobared"))
        assert (code, message) == ("InvalidParameterValue", "Value for parameter TaskHandle is invalid.")

    def test_a_handle_of_another_source(self, sqs, new_queue, dead):
        queue = new_queue(RedrivePolicy=redrive_policy(dead))
        for number in range(3):
            queue.send(str(number))
            queue.receive_one(VisibilityTimeout=0)
            assert queue.receive() == []
        handle = sqs.start_message_move_task(SourceArn=dead.arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
        sqs.delete_queue(QueueUrl=dead.url)
        code, message = error(lambda: sqs.cancel_message_move_task(TaskHandle=handle))
        assert code == "ResourceNotFoundException"
        assert message == "The resource that you specified for the SourceArn parameter doesn't exist."
