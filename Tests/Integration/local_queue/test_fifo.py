"""FIFO queues: the order of a group, one group in flight at a time, and deduplication."""

import hashlib

import pytest

from support.contract import bodies, entry, refused, text


@pytest.fixture
def queue(new_queue):
    return new_queue(FifoQueue="true")


@pytest.fixture
def by_content(new_queue):
    return new_queue(FifoQueue="true", ContentBasedDeduplication="true")


def send(queue, *names, group="guild"):
    """Sends messages whose bodies are their deduplication ids as well."""
    return [queue.send(name, MessageGroupId=group, MessageDeduplicationId=f"{group}-{name}") for name in names]


def test_a_message_knows_its_group_its_deduplication_and_its_number(queue):
    [sent] = send(queue, "a")
    attributes = queue.receive_one()["Attributes"]
    assert attributes["MessageGroupId"] == "guild"
    assert attributes["MessageDeduplicationId"] == "guild-a"
    assert attributes["SequenceNumber"] == sent["SequenceNumber"]


def test_sequence_numbers_have_twenty_digits_and_grow(queue):
    numbers = [sent["SequenceNumber"] for sent in send(queue, *"abcde")]
    answer = queue.send_batch(
        *(entry(n, str(n), MessageGroupId="guild", MessageDeduplicationId=f"batch-{n}") for n in range(5))
    )
    by_id = {each["Id"]: each["SequenceNumber"] for each in answer["Successful"]}
    numbers += [by_id[str(n)] for n in range(5)]
    assert [len(number) for number in numbers] == [20] * 10
    assert numbers == sorted(set(numbers))


def test_one_receive_holds_several_of_a_group_in_order(queue):
    send(queue, *"abcde")
    assert bodies(queue.receive(10)) == list("abcde")


def test_a_batch_keeps_its_order(queue):
    entries = [entry(n, str(n), MessageGroupId="guild", MessageDeduplicationId=str(n)) for n in range(10)]
    queue.send_batch(*entries)
    assert bodies(queue.receive(10)) == [str(n) for n in range(10)]


def test_a_group_in_flight_is_held_back_from_other_receives(queue):
    send(queue, *"abc")
    [a] = queue.receive(1)
    assert queue.receive(10) == []
    send(queue, "d")
    assert queue.receive(10) == []
    queue.delete(a)
    assert bodies(queue.receive(10)) == list("bcd")


def test_a_group_is_held_back_until_the_last_in_flight_is_settled(queue):
    send(queue, *"abc")
    a, b = queue.receive(2)
    queue.delete(a)
    assert queue.receive() == []
    queue.delete(b)
    assert bodies(queue.receive()) == ["c"]


def test_groups_do_not_hold_each_other_back(queue):
    send(queue, *"ab", group="one")
    send(queue, *"cd", group="two")
    [first] = queue.receive(1)
    other = "two" if first["Attributes"]["MessageGroupId"] == "one" else "one"
    rest = queue.receive(10)
    assert {message["Attributes"]["MessageGroupId"] for message in rest} == {other}
    assert bodies(rest) in (["a", "b"], ["c", "d"])


def test_many_groups_keep_their_orders_over_many_receives(queue):
    groups = [f"group-{number}" for number in range(5)]
    for number in range(6):
        for group in groups:
            send(queue, f"{number}", group=group)
    orders = {group: [] for group in groups}
    while messages := queue.receive(7):
        for message in messages:
            orders[message["Attributes"]["MessageGroupId"]].append(message["Body"])
            queue.delete(message)
    assert orders == {group: [str(number) for number in range(6)] for group in groups}


def test_what_comes_again_comes_first(queue):
    send(queue, *"abc")
    queue.receive(2, VisibilityTimeout=1)
    assert bodies(queue.receive(10, wait=5)) == list("abc")


def test_a_message_that_is_given_back_comes_before_what_follows(queue):
    send(queue, *"ab")
    [a] = queue.receive(1)
    queue.change_visibility(a, 0)
    assert bodies(queue.receive(10)) == ["a", "b"]


def test_an_expired_handle_cannot_delete(queue):
    send(queue, "a")
    message = queue.receive_one(VisibilityTimeout=1)
    latest = queue.receive_one(VisibilityTimeout=60)
    with refused("InvalidParameterValue") as caught:
        queue.delete(message)
    assert "The receipt handle has expired" in str(caught.value)
    queue.delete(latest)
    assert queue.counts() == (0, 0, 0)


def test_a_handle_cannot_delete_once_its_own_timeout_ended(queue):
    send(queue, "a")
    message = queue.receive_one(VisibilityTimeout=60)
    queue.change_visibility(message, 0)
    with refused("InvalidParameterValue"):
        queue.delete(message)
    assert queue.counts() == (1, 0, 0)


class TestDeduplication:
    def test_an_id_is_delivered_once(self, queue):
        send(queue, "a", "a")
        assert bodies(queue.receive()) == ["a"]
        assert queue.counts() == (0, 1, 0)

    def test_the_id_counts_and_not_the_body(self, queue):
        queue.send("a", MessageGroupId="guild", MessageDeduplicationId="1")
        queue.send("b", MessageGroupId="guild", MessageDeduplicationId="1")
        queue.send("a", MessageGroupId="guild", MessageDeduplicationId="2")
        assert bodies(queue.receive()) == ["a", "a"]

    def test_an_id_is_remembered_after_its_message_is_deleted(self, queue):
        send(queue, "a")
        queue.delete(queue.receive_one())
        send(queue, "a")
        assert queue.receive() == []
        assert queue.counts() == (0, 0, 0)

    def test_an_id_is_one_for_all_groups(self, queue):
        for group in ("one", "two"):
            queue.send(group, MessageGroupId=group, MessageDeduplicationId="same")
        assert bodies(queue.receive()) == ["one"]

    def test_an_id_is_one_for_each_group_where_the_queue_says_so(self, new_queue):
        queue = new_queue(
            FifoQueue="true", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId"
        )
        for group in ("one", "two", "two"):
            queue.send(group, MessageGroupId=group, MessageDeduplicationId="same")
        assert sorted(bodies(queue.receive())) == ["one", "two"]

    def test_within_one_batch_as_well(self, queue):
        entries = [entry(n, str(n), MessageGroupId="guild", MessageDeduplicationId="same") for n in range(2)]
        assert len(queue.send_batch(*entries)["Successful"]) == 2
        assert bodies(queue.receive()) == ["0"]

    def test_content_stands_in_for_the_id(self, by_content):
        by_content.send("a", MessageGroupId="guild")
        by_content.send("a", MessageGroupId="guild", MessageAttributes={"attributes": text("do not count")})
        by_content.send("b", MessageGroupId="guild")
        messages = by_content.receive()
        assert bodies(messages) == ["a", "b"]
        assert messages[0]["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"a").hexdigest()

    def test_an_id_wins_over_the_content(self, by_content):
        for id in ("1", "2"):
            by_content.send("a", MessageGroupId="guild", MessageDeduplicationId=id)
        by_content.send("b", MessageGroupId="guild", MessageDeduplicationId="1")
        assert bodies(by_content.receive()) == ["a", "a"]

    def test_an_id_that_is_the_digest_of_the_content_is_the_same(self, by_content):
        by_content.send("a", MessageGroupId="guild")
        digest = hashlib.sha256(b"a").hexdigest()
        by_content.send("other", MessageGroupId="guild", MessageDeduplicationId=digest)
        assert bodies(by_content.receive()) == ["a"]

    def test_a_queue_can_begin_to_go_by_content(self, queue):
        queue.set(ContentBasedDeduplication="true")
        for _ in range(2):
            queue.send("a", MessageGroupId="guild")
        assert bodies(queue.receive()) == ["a"]


class TestWhatIsRefused:
    def test_a_message_without_a_group(self, queue):
        with refused("MissingParameter", "InvalidParameterValue"):
            queue.send(MessageDeduplicationId="1")

    def test_a_message_without_an_id_where_the_content_does_not_stand_in(self, queue):
        with refused("InvalidParameterValue"):
            queue.send(MessageGroupId="guild")

    @pytest.mark.parametrize("id", ["", "a b", "x" * 129, "Zoë"], ids=["empty", "a space", "too long", "not ASCII"])
    @pytest.mark.parametrize("parameter", ["MessageGroupId", "MessageDeduplicationId"])
    def test_ids_that_are_none(self, parameter, id, queue):
        ids = {"MessageGroupId": "guild", "MessageDeduplicationId": "1", parameter: id}
        with refused("InvalidParameterValue", "MissingParameter"):
            queue.send(**ids)

    def test_a_delay_of_one_message(self, queue):
        with refused("InvalidParameterValue"):
            queue.send(MessageGroupId="guild", MessageDeduplicationId="1", DelaySeconds=2)

    def test_a_deduplication_id_on_a_standard_queue(self, new_queue):
        with refused("InvalidParameterValue"):
            new_queue().send(MessageDeduplicationId="1")


def test_ids_may_be_long_and_have_punctuation(queue):
    id = "azAZ09!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".ljust(128, "x")
    queue.send(MessageGroupId=id, MessageDeduplicationId=id)
    attributes = queue.receive_one()["Attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == (id, id)


def test_a_queue_delays_all_its_messages(new_queue):
    queue = new_queue(FifoQueue="true", DelaySeconds="3")
    send(queue, *"ab")
    assert queue.receive() == []
    assert queue.receive_one()["Body"] == "a"
