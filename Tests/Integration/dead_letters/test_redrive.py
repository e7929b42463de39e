"""`worker dead-letters redrive` sends letters back, and nothing is granted twice."""

import pytest

from support import wait_until
from support.events import COIN, UNLINKED

from .conftest import NEW_COIN


def test_what_was_set_right_is_granted(letters, queue, unknown_coin):
    (original,) = letters.written(unknown_coin, source="bot")
    letters.learn_new_coin()
    done = letters.json("redrive", "--kind", "notFound", "--yes")
    (letter,) = done["letters"]
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


def test_what_had_been_granted_after_all_is_not_granted_again(letters, queue, worker, prizes, refusing, coin):
    """It was handled, could not be deleted, and the redrive policy moved it: it carries no WorkerFailure."""
    worker.settings["visibilityTimeout"] = "1s"
    sent = queue.send(coin)
    refusing.add("DeleteMessageBatch")
    running = worker.start()
    prizes.wait_for(UNLINKED, 5)
    wait_until(lambda: letters.counts()[0] == 1, "the redrive policy has moved the message")
    running.kill()
    refusing.clear()
    (letter,) = letters.listed()
    assert (letter["id"], "kind" in letter) == (sent, False)
    letters.command("redrive", "--id", sent, "--yes").succeeded()
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
    assert "Redrove 1 letter to" in finished.stdout and "1 letter stayed" in finished.stdout
    assert [letter["id"] for letter in letters.listed()] == [crowded]
    assert letters.granted() == {COIN: 5}, other


def test_a_letter_stays_where_the_send_fails(letters, queue, refusing, unknown_coin):
    letters.written(*[unknown_coin] * 12)
    refusing.add("SendMessageBatch")
    finished = letters.command("redrive", "--all", "--yes")
    assert finished.code == 1
    assert "Redrove 0 letters" in finished.stdout
    assert letters.counts() == (12, 0)
    assert queue.size() == 0


def test_only_what_matches(letters, queue, unknown_coin):
    letters.written(*[unknown_coin] * 11, {"eventType": "UNKNOWN"})
    done = letters.json("redrive", "--route", "ITEM_AWARDED", "--yes", "--limit", 4)
    assert [letter["outcome"] for letter in done["letters"]] == ["redriven"] * 4
    assert letters.counts() == (8, 0)
    assert queue.size() == 4


class TestConsent:
    @pytest.mark.parametrize("command", ["redrive", "discard"])
    def test_a_dry_run_changes_nothing(self, command, letters, queue, unknown_coin):
        letters.written(unknown_coin, unknown_coin)
        shown = letters.json(command, "--all", "--dry-run")
        assert shown["isDryRun"]
        assert [letter["outcome"] for letter in shown["letters"]] == ["planned", "planned"]
        assert "2 letters would" in letters.command(command, "--all", "--dry-run").succeeded().stdout
        assert letters.counts() == (2, 0)
        assert queue.size() == 0

    @pytest.mark.parametrize("command", ["redrive", "discard"])
    @pytest.mark.parametrize(
        ("arguments", "advice"),
        [
            (["--yes"], "--all"),
            (["--all"], "--dry-run"),
            (["--kind", "notFound"], "--yes"),
            (["--all", "--yes", "--dry-run"], "one of them"),
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
        assert "no letter nothing" in finished.stderr


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

    def test_the_order_and_the_identity_stay(self, letters, queue, unknown_coin):
        for number in range(3):
            queue.send(unknown_coin, MessageGroupId="guild", MessageDeduplicationId=f"prize-{number}")
        letters.worker.run_until_empty()
        letters.learn_new_coin()
        keys = [letter["idempotencyKey"] for letter in letters.listed()]
        assert sorted(keys) == [f"fifo:prize-{number}" for number in range(3)]
        letters.command("redrive", "--all", "--yes").succeeded()
        assert queue.size() == 3
        assert letters.granted() == {NEW_COIN: 15}

    def test_a_group_of_many(self, letters, queue, coin):
        """While ten of a group are in hand, the others cannot be seen, and that is said."""
        for number in range(12):
            letter = {"MessageBody": f"letter {number}", "MessageDeduplicationId": f"letter-{number}"}
            queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageGroupId="guild", **letter)
        listing = letters.json("list")
        assert listing["isComplete"] == (len(listing["letters"]) == 12)
        assert letters.counts() == (12, 0)
        letters.command("redrive", "--all", "--yes").succeeded()
        assert queue.size() == 12


def test_a_letter_that_fails_again_meanwhile_is_not_sent_round_for_ever(letters, worker, unknown_coin):
    letters.written(unknown_coin)
    running = worker.start()
    finished = letters.command("redrive", "--all", "--yes")
    wait_until(lambda: letters.counts() == (1, 0), "the letter is back")
    running.stop()
    assert "Redrove 1 letter" in finished.stdout
    assert finished.stdout.count("cameBack") == (1 if finished.code else 0)
