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


def test_two_messages_without_a_key_are_two_prizes(queue, worker, prizes):
    for _ in range(2):
        queue.send(item(quantity=5))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 10}


class TestFifo:
    @pytest.fixture
    def queue(self, make_queue):
        return make_queue(".fifo")

    def test_a_deduplication_id_that_comes_again_later_is_the_same_prize(self, queue, worker, prizes):
        # SQS itself drops the second for five minutes only; moto only until the first is deleted.
        for _ in range(2):
            queue.send(item(quantity=5), MessageGroupId="guild", MessageDeduplicationId="win-1")
            worker.run_until_empty()
        assert prizes.pending(UNLINKED) == {COIN: 5}
        assert queue.dead_letters() == []


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
