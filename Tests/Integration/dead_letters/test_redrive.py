"""`worker dead-letters redrive` sends letters back, and nothing is granted twice."""

import json

import pytest

from support import wait_until
from support.events import COIN, UNLINKED
from support.queue import Queue
from support.server import LocalQueueServer

from .conftest import NEW_COIN, Letters


def test_what_was_set_right_is_granted(letters, queue, unknown_coin):
    (original,) = letters.written(unknown_coin, source="bot")
    letters.learn_new_coin()
    done = letters.json("redrive", "--kind", "notFound", "--yes")
    (letter,) = done["deadLetters"]
    assert (letter["outcome"], letter["originalId"], letter["kind"]) == ("redriven", original, "notFound")
    assert letters.counts() == (0, 0)
    assert queue.size() == 1
    assert letters.granted() == {NEW_COIN: 5}


def test_what_was_not_set_right_comes_back_with_its_first_id(letters, unknown_coin):
    (original,) = letters.written(unknown_coin)
    for _ in range(2):
        letters.command("redrive", "--all", "--yes").succeeded()
        assert letters.granted() == {}
        (letter,) = letters.listed()
        assert (letter["originalId"], letter["kind"]) == (original, "notFound")


@pytest.mark.parametrize("written", [True, False], ids=["the worker's letter", "the redrive policy's letter"])
def test_redriven_twice_is_granted_once(written, letters, queue, refusing, unknown_coin):
    """The deletion fails after the send, so that the letter is redriven again."""
    if written:
        letters.written(unknown_coin)
    else:
        letters.moved(unknown_coin)
    letters.learn_new_coin()
    refusing.add("DeleteMessageBatch")
    first = letters.command("redrive", "--all", "--yes")
    assert first.code == 1
    assert "notDeleted" in first.stdout
    assert "grants nothing twice" in first.stdout
    assert letters.counts() == (1, 0)
    refusing.clear()
    letters.command("redrive", "--all", "--yes").succeeded()
    assert queue.size() == 2
    assert letters.granted() == {NEW_COIN: 5}
    assert queue.size() == 0
    assert letters.counts() == (0, 0)


@pytest.fixture
def grant_that_cannot_be_deleted(letters, queue, worker, prizes, refusing, coin):
    """Has a message handled that cannot be deleted, until the redrive policy moves it; returns its id."""
    worker.settings["visibilityTimeout"] = "1s"

    def grant(**options):
        sent = queue.send(coin, **options)
        refusing.add("DeleteMessageBatch")
        running = worker.start()
        prizes.wait_for(UNLINKED, 5)
        wait_until(lambda: letters.counts()[0] == 1, "the redrive policy has moved the message")
        running.kill()
        refusing.clear()
        return sent

    return grant


def test_what_had_been_granted_after_all_is_not_granted_again(letters, queue, grant_that_cannot_be_deleted):
    """It was handled, could not be deleted, and the redrive policy moved it: it carries no WorkerFailure."""
    sent = grant_that_cannot_be_deleted()
    (letter,) = letters.listed()
    assert (letter["id"], "kind" in letter) == (sent, False)
    letters.command("redrive", sent, "--yes").succeeded()
    assert queue.size() == 1
    assert letters.granted() == {COIN: 5}
    assert queue.size() == 0


def test_a_producer_s_key_stays(letters, queue, unknown_coin):
    letters.written(unknown_coin, IdempotencyKey="order-7")
    letters.learn_new_coin()
    queue.send(unknown_coin, {"IdempotencyKey": "order-7"})
    assert letters.granted() == {NEW_COIN: 5}
    letters.command("redrive", "--all", "--yes").succeeded()
    assert letters.granted() == {NEW_COIN: 5}


def test_a_letter_without_room_for_its_identity_stays(letters, queue, coin):
    attributes = {f"name{number}": "value" for number in range(10)}
    crowded = letters.moved(coin, attributes)
    other = letters.moved(coin)
    finished = letters.command("redrive", "--all", "--yes")
    assert finished.code == 1
    assert "leave no room for the event's identity" in finished.stdout
    assert "Redrove 1 dead letter to" in finished.stdout and "1 dead letter stayed" in finished.stdout
    assert [letter["id"] for letter in letters.listed()] == [crowded]
    assert letters.granted() == {COIN: 5}, other


def test_a_letter_stays_where_the_send_fails(letters, queue, refusing, unknown_coin):
    letters.written(*[unknown_coin] * 12)
    refusing.add("SendMessageBatch")
    finished = letters.command("redrive", "--all", "--yes")
    assert finished.code == 1
    assert "Redrove 0 dead letters" in finished.stdout
    assert letters.counts() == (12, 0)
    assert queue.size() == 0


def test_only_what_matches(letters, queue, unknown_coin):
    letters.written(*[unknown_coin] * 11, {"eventType": "UNKNOWN"})
    done = letters.json("redrive", "--route", "ITEM_AWARDED", "--yes", "--limit", 4)
    assert [letter["outcome"] for letter in done["deadLetters"]] == ["redriven"] * 4
    assert letters.counts() == (8, 0)
    assert queue.size() == 4


class TestSharedDeadLetterQueue:
    @pytest.fixture
    def other(self, queue, worker, sqs, server):
        """Another queue of the worker's, with the same dead-letter queue."""
        policy = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["RedrivePolicy"])["Attributes"]
        url = sqs.create_queue(QueueName=f"{queue.name}-other", Attributes=policy)["QueueUrl"]
        worker.routes["queues"]["other"] = {**worker.settings, "url": url}
        return Queue(sqs, server, url, queue.dead_letter_url)

    def test_each_letter_belongs_to_the_queue_that_it_came_from(self, letters, other, queue, unknown_coin):
        other.send(unknown_coin)
        (mine,) = letters.written(unknown_coin)
        for command in ("redrive", "discard"):
            shown = letters.command(command, "--queue", "prizes", "--all", "--dry-run").succeeded()
            assert "1 dead letter would" in shown.stdout
            assert f"1 dead letter of other queues in {queue.name}-dlq was skipped: {other.name}." in shown.stderr
        assert [letter["originalId"] for letter in letters.listed("--queue", "prizes")] == [mine]
        assert [letter["queue"] for letter in letters.listed("--queue", "other")] == [other.name]
        letters.command("redrive", "--queue", "prizes", "--all", "--yes").succeeded()
        assert (queue.size(), other.size(), letters.counts()) == (1, 0, (1, 0))
        letters.command("redrive", "--queue", "other", "--all", "--yes").succeeded()
        assert (queue.size(), other.size(), letters.counts()) == (1, 1, (0, 0))

    def test_what_the_redrive_policy_moved_names_its_queue_too(self, letters, other, queue, server, coin):
        if not isinstance(server, LocalQueueServer):
            pytest.skip("moto does not say where it moved a message from")
        mine = letters.moved(coin)
        theirs = Letters(letters.worker, other, letters.prizes).moved(coin)
        assert [letter["id"] for letter in letters.listed("--queue", "prizes")] == [mine]
        letters.command("redrive", "--queue", "other", theirs, "--yes").succeeded()
        assert (queue.size(), other.size(), letters.counts()) == (0, 1, (1, 0))
        assert "no dead letter" in letters.command("discard", "--queue", "other", mine, "--yes").failed().stderr
        assert letters.counts() == (1, 0)


class TestConsent:
    @pytest.mark.parametrize("command", ["redrive", "discard"])
    def test_a_dry_run_changes_nothing(self, command, letters, queue, unknown_coin):
        letters.written(unknown_coin, unknown_coin)
        shown = letters.json(command, "--all", "--dry-run")
        assert shown["isDryRun"]
        assert [letter["outcome"] for letter in shown["deadLetters"]] == ["planned", "planned"]
        assert "2 dead letters would" in letters.command(command, "--all", "--dry-run").succeeded().stdout
        assert letters.counts() == (2, 0)
        assert queue.size() == 0

    @pytest.mark.parametrize("command", ["redrive", "discard"])
    @pytest.mark.parametrize(
        ("arguments", "advice"),
        [
            (["--yes"], "--all"),
            (["--all"], "--dry-run"),
            (["--kind", "notFound"], "--yes"),
            (["--all", "--yes", "--dry-run"], "either --yes or --dry-run"),
            (["--all", "--kind", "notFound", "--yes"], "--all"),
            (["--all", "--yes", "--limit", "0"], "--limit"),
            (["--older-than", "soon", "--yes"], "duration"),
        ],
        ids=" ".join,
    )
    def test_without_it_nothing_happens(self, command, arguments, advice, letters, queue):
        queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="{}")
        finished = letters.command(command, *arguments)
        assert finished.code == 64
        assert advice in finished.stderr
        assert letters.counts() == (1, 0)

    def test_an_id_that_is_not_there(self, letters):
        finished = letters.command("redrive", "--id", "nothing", "--yes")
        assert finished.code == 1
        assert "no dead letter nothing" in finished.stderr


class TestFIFO:
    @pytest.fixture
    def queue(self, make_queue):
        return make_queue(".fifo")

    def test_redriven_twice_within_five_minutes_is_one_message(self, letters, queue, refusing, coin):
        letters.moved(coin, MessageGroupId="guild", MessageDeduplicationId="prize-1")
        refusing.add("DeleteMessageBatch")
        letters.command("redrive", "--all", "--yes").failed()
        refusing.clear()
        letters.command("redrive", "--all", "--yes").succeeded()
        assert letters.counts() == (0, 0)
        assert queue.size() == 1
        assert letters.granted() == {COIN: 5}

    def test_what_had_been_granted_after_all_is_not_granted_again(
        self, letters, queue, proxy, grant_that_cannot_be_deleted
    ):
        """SQS replaces the deduplication id of what it moves to a FIFO dead-letter queue by the message's id."""
        sent = grant_that_cannot_be_deleted(MessageGroupId="guild", MessageDeduplicationId="daily-42")

        def as_sqs_does(operation, body):
            answer = json.loads(body or "{}")
            for message in answer.get("Messages", []) if operation == "ReceiveMessage" else []:
                message["Attributes"]["MessageDeduplicationId"] = message["MessageId"]
            return json.dumps(answer).encode()

        proxy.on_response = as_sqs_does
        assert [letter["deduplicationId"] for letter in letters.listed()] == [sent]
        letters.command("redrive", "--all", "--yes").succeeded()
        proxy.on_response = lambda operation, body: body
        assert queue.size() == 1
        assert letters.granted() == {COIN: 5}
        assert queue.size() == 0

    def test_the_order_and_the_identity_stay(self, letters, queue, unknown_coin):
        sent = [
            queue.send(unknown_coin, MessageGroupId="guild", MessageDeduplicationId=f"prize-{number}") for number in range(3)
        ]
        letters.worker.run_until_empty()
        letters.learn_new_coin()
        keys = [(letter["idempotencyKey"], letter["originalId"]) for letter in letters.listed()]
        assert sorted(keys) == sorted((f"message:{id}", id) for id in sent)
        letters.command("redrive", "--all", "--yes").succeeded()
        assert queue.size() == 3
        assert letters.granted() == {NEW_COIN: 15}

    def test_a_group_of_many(self, letters, queue, coin):
        """While ten of a group are in flight, the others cannot be seen, and that is said."""
        for number in range(12):
            letter = {"MessageBody": f"letter {number}", "MessageDeduplicationId": f"letter-{number}"}
            queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageGroupId="guild", **letter)
        listing = letters.json("list")
        assert listing["isComplete"] == (len(listing["deadLetters"]) == 12)
        assert letters.counts() == (12, 0)
        letters.command("redrive", "--all", "--yes").succeeded()
        assert queue.size() == 12


def test_a_letter_that_fails_again_meanwhile_is_not_sent_round_for_ever(letters, worker, unknown_coin):
    letters.written(unknown_coin)
    running = worker.start()
    finished = letters.command("redrive", "--all", "--yes")
    wait_until(lambda: letters.counts() == (1, 0), "the letter is back")
    running.stop()
    assert "Redrove 1 dead letter" in finished.stdout
    assert finished.stdout.count("cameBack") == (1 if finished.code else 0)
