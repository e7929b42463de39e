"""A prize is granted once, however often its message comes."""

import json
from collections import Counter

import pytest

from support import wait_until
from support.events import CATALOG, COIN, MIRA, UNLINKED, character, item, somebody

UNAVAILABLE = 503, b'{"__type":"com.amazonaws.sqs#ServiceUnavailable","message":"The service is unavailable."}'


def test_two_messages_with_one_idempotency_key_are_one_prize(queue, worker, prizes):
    for _ in range(2):
        queue.send(item(quantity=5), {"IdempotencyKey": "win-1"})
    worker.run_until_empty()
    queue.send(item(quantity=5), {"IdempotencyKey": "win-1"})
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.dead_letters() == []


def test_a_character_that_is_awarded_twice_under_one_key_is_no_conflict(queue, worker, prizes):
    for _ in range(2):
        queue.send(character(MIRA), {"IdempotencyKey": "win-1"})
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {MIRA: 1}
    assert queue.dead_letters() == []


def test_a_key_that_is_reused_for_another_prize_is_not_swallowed(queue, worker, prizes):
    queue.send(item(quantity=5), {"IdempotencyKey": "win-1"})
    worker.run_until_empty()
    queue.send(item(quantity=6), {"IdempotencyKey": "win-1"})
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.dead_letter().failure["kind"] == "conflict"


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        ("String", "win 1 \u00e9"),
        ("String.uuid", "0f7b4f0c-2b8e-4d7a-9a55-0d5c1f5f3f10"),
        ("Number", "42"),
        ("Number.int", "-4.20e5"),
        ("Binary", b"\x00\xff win"),
        ("Binary.uuid", bytes(range(16))),
        ("String", "k" * 10_000),
        ("Binary", b"\xff" * 10_000),
    ],
    ids=lambda part: str(part)[:20],
)
def test_a_key_of_any_type_names_the_event(data_type, value, queue, worker, prizes):
    for _ in range(2):
        queue.send(item(quantity=5), {"IdempotencyKey": (data_type, value)})
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert queue.dead_letters() == []


def test_a_text_and_a_number_of_the_same_bytes_are_one_key_and_binary_is_another(queue, worker, prizes):
    same = [("String", "42"), ("Number", "42"), ("Number.int", "42")]
    others = [("Number", "42.0"), ("Binary", b"42"), ("String", "NDI="), ("Binary", b"NDI=")]
    for key in [*same, *others]:
        queue.send(item(quantity=5), {"IdempotencyKey": key})
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 5 * (1 + len(others))}
    assert queue.dead_letters() == []


def test_a_key_that_cannot_be_used_is_a_dead_letter_and_no_prize(queue, worker, prizes, proxy):
    """SQS takes none such, but another server may: here the proxy's, which has a type of its own."""

    def as_another_server(exchange):
        status, answer = exchange.forward(exchange.body.replace(b'"Text"', b'"String"'))
        answer = json.loads(answer or "{}")
        for message in answer.get("Messages", []):
            message["MessageAttributes"]["IdempotencyKey"]["DataType"] = "Text"
            del message["MD5OfMessageAttributes"]
        for sent in answer.get("Successful", []):
            sent.pop("MD5OfMessageAttributes", None)
        exchange.answer(status, json.dumps(answer).encode())

    proxy.on_request = lambda operation, body: as_another_server
    sent = [queue.send(item(quantity=5), {"IdempotencyKey": "win-1"}) for _ in range(2)]
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {}
    failures = [letter.failure for letter in queue.dead_letters()]
    assert sorted(failure["messageId"] for failure in failures) == sorted(sent)
    for failure in failures:
        assert (failure["kind"], failure["field"]) == ("validation", "IdempotencyKey")
        assert "type String, Number or Binary" in failure["message"]


def test_two_messages_without_a_key_are_two_prizes(queue, worker, prizes):
    for _ in range(2):
        queue.send(item(quantity=5))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 10}


class TestFifo:
    @pytest.fixture
    def queue(self, make_queue):
        return make_queue(".fifo")

    def test_a_deduplication_id_names_no_event(self, queue, make_queue, worker, prizes):
        """SQS keeps one for five minutes and for one queue, so a bot may use `daily-42` again: here on another queue."""
        for chosen in (queue, make_queue(".fifo")):
            chosen.send(item(quantity=5), MessageGroupId="guild", MessageDeduplicationId="daily-42")
            worker.environment["AWS_SQS_QUEUE_URL"] = chosen.url
            worker.run_until_empty()
            assert chosen.dead_letters() == []
        assert prizes.pending(UNLINKED) == {COIN: 10}

    def test_a_key_names_it_whatever_the_deduplication_id(self, queue, worker, prizes):
        for number in range(2):
            ids = {"MessageGroupId": "guild", "MessageDeduplicationId": f"attempt-{number}"}
            queue.send(item(quantity=5), {"IdempotencyKey": "win-1"}, **ids)
        worker.run_until_empty()
        assert prizes.pending(UNLINKED) == {COIN: 5}


class TestDeliveredAgain:
    """The prize is granted, and the message could not be deleted."""

    @pytest.fixture
    def worker(self, worker):
        worker.settings["visibilityTimeout"] = "2s"
        return worker

    @pytest.fixture
    def deletes(self, proxy):
        """Whether deleting works."""
        deletes = {"work": False, "refused": 0}

        def refuse(operation, body):
            if operation.startswith("DeleteMessage") and not deletes["work"]:
                deletes["refused"] += 1
                return UNAVAILABLE
            return None

        proxy.on_request = refuse
        return deletes

    def test_because_its_visibility_ended(self, queue, worker, prizes, deletes):
        message = queue.send(item(quantity=5))
        running = worker.start()
        queue.wait_until_received(message, times=2)
        assert deletes["refused"] > 0
        deletes["work"] = True
        queue.wait_until_empty()
        running.stop()
        assert prizes.pending(UNLINKED) == {COIN: 5}

    def test_because_the_worker_was_killed(self, queue, worker, prizes, deletes):
        queue.send(item(quantity=5))
        first = worker.start()
        prizes.wait_for(UNLINKED, 5)
        wait_until(lambda: deletes["refused"], "the worker tries to delete the message")
        first.kill()
        deletes["work"] = True
        worker.run_until_empty()
        assert prizes.pending(UNLINKED) == {COIN: 5}
        assert queue.dead_letters() == []

    def test_one_of_many_whose_delete_fails_alone(self, queue, worker, prizes, proxy):
        """A batch delete answers 200 with `Failed` entries: they are not done."""
        refused = Counter()

        def fail_first_entry(operation, body):
            if operation != "DeleteMessageBatch" or refused["entries"]:
                return None
            entries = json.loads(body)["Entries"]
            refused["entries"] += len(entries)
            failed = [
                {"Id": entry["Id"], "Code": "InternalError", "Message": "Try again.", "SenderFault": False}
                for entry in entries
            ]
            return 200, json.dumps({"Successful": [], "Failed": failed}).encode()

        proxy.on_request = fail_first_entry
        for number in range(10):
            queue.send(item(somebody(number)))
        worker.run_until_empty()
        assert [prizes.waiting_quantity(somebody(number)) for number in range(10)] == [1] * 10
        assert queue.dead_letters() == []


class TestRedriven:
    """An operator sends a dead letter back to the queue, where it gets a new MessageId."""

    NEW_COIN = "new-coin"

    @pytest.fixture
    def letter(self, queue, worker, prizes):
        queue.send(item(quantity=5, type=self.NEW_COIN), {"source": "bot"})
        worker.run_until_empty()
        return queue.dead_letter()

    @staticmethod
    def redrive(queue, letter):
        queue.send(letter.body, letter.attributes)

    def test_it_is_granted_once_its_cause_is_gone_and_only_once(self, queue, worker, prizes, letter):
        crew = CATALOG["communities"][0]
        new_types = [*crew["itemTypes"], {"id": self.NEW_COIN, "name": "New coin", "stackable": True}]
        prizes.import_catalog({"communities": [{**crew, "itemTypes": new_types}]})
        for _ in range(2):
            self.redrive(queue, letter)
            worker.run_until_empty()
        assert prizes.pending(UNLINKED) == {self.NEW_COIN: 5}
        assert queue.dead_letters() == [letter]

    def test_it_keeps_its_original_id_when_it_fails_again(self, queue, worker, prizes, letter):
        self.redrive(queue, letter)
        worker.run_until_empty()
        again = next(other for other in queue.dead_letters() if other.id != letter.id)
        assert again.failure["messageId"] == letter.failure["messageId"]
        assert again.attributes["source"] == "bot"
        assert again.body == letter.body
