"""`worker dead-letters discard` deletes what is meant and nothing else; and queues that cannot be looked at."""

import json

import pytest

from support.sqs import create_queue


def test_export_then_discard(letters, worker, unknown_coin):
    letters.written(*[unknown_coin] * 11, {"eventType": "UNKNOWN"})
    filter = ["--route", "ITEM_AWARDED"]
    letters.command("export", *filter, "-o", "old.jsonl").succeeded()
    done = letters.json("discard", *filter, "--yes")
    exported = [json.loads(line)["id"] for line in (worker.folder / "old.jsonl").read_text().splitlines()]
    assert sorted(exported) == sorted(letter["id"] for letter in done["deadLetters"])
    assert {letter["outcome"] for letter in done["deadLetters"]} == {"discarded"}
    assert done.keys() == {"queue", "deadLetterQueue", "isDryRun", "deadLetters", "received", "isComplete"}
    assert [letter["route"] for letter in letters.listed()] == ["UNKNOWN"]
    assert letters.counts() == (1, 0)


def test_what_is_in_a_file_of_exported_letters_and_nothing_else(letters, worker, unknown_coin):
    letters.written(*[unknown_coin] * 3)
    letters.command("export", "--output", "old.jsonl").succeeded()
    letters.written(unknown_coin)
    assert len(letters.json("discard", "--exported", "old.jsonl", "--yes")["deadLetters"]) == 3
    assert letters.counts() == (1, 0)
    (worker.folder / "old.jsonl").write_text("old\n")
    assert "old.jsonl: dead letter 1 is not" in letters.command("discard", "--exported", "old.jsonl", "--yes").failed().stderr
    assert "no such file" in letters.command("discard", "--exported", "none", "--yes").failed().stderr
    assert letters.counts() == (1, 0)


def test_it_prints_what_it_deleted(letters, unknown_coin):
    letters.written(unknown_coin)
    (letter,) = letters.listed()
    shown = letters.command("discard", "--id", letter["id"], "--yes").succeeded().stdout
    assert letter["id"] in shown
    assert "Deleted 1 dead letter" in shown
    assert letters.counts() == (0, 0)


def test_a_letter_that_cannot_be_deleted_stays(letters, refusing, unknown_coin):
    letters.written(unknown_coin)
    refusing.add("DeleteMessageBatch")
    finished = letters.command("discard", "--all", "--yes")
    assert finished.code == 1
    assert "could not be deleted" in finished.stdout
    assert letters.counts() == (1, 0)


def test_a_dry_run_suggests_a_copy(letters, unknown_coin):
    letters.written(unknown_coin)
    assert "export" in letters.command("discard", "--all", "--dry-run").succeeded().stdout


class TestQueues:
    def test_one_without_dead_letter_queue(self, letters, queue):
        queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
        finished = letters.command("list")
        assert finished.code == 1
        assert "has no dead-letter queue" in finished.stderr
        assert "redrive policy" in finished.stderr

    def test_one_that_does_not_exist(self, letters, worker):
        worker.environment["AWS_SQS_QUEUE_URL"] += "-nowhere"
        finished = letters.command("list")
        assert finished.code == 1
        assert "AWS_SQS_QUEUE_URL" in finished.stderr

    def test_one_of_several_is_named(self, letters, worker, make_queue, unknown_coin):
        letters.written(unknown_coin)
        worker.routes["queues"]["raffles"] = {"url": make_queue().url}
        finished = letters.command("list")
        assert finished.code == 1
        assert "--queue: prizes, raffles" in finished.stderr
        assert len(letters.listed("--queue", "prizes")) == 1
        assert letters.listed("--queue", "raffles") == []
        assert "no enabled queue coins" in letters.command("list", "--queue", "coins").failed().stderr

    def test_a_dead_letter_queue_with_a_redrive_policy_is_left_alone(self, letters, queue, sqs, unknown_coin):
        """Looking counts as a receive, and would move its letters on."""
        letters.written(unknown_coin)
        last, _ = create_queue(sqs, f"{queue.name}-last")
        arn = sqs.get_queue_attributes(QueueUrl=last, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        sqs.set_queue_attributes(QueueUrl=queue.dead_letter_url, Attributes={"RedrivePolicy": policy})
        finished = letters.command("list")
        assert finished.code == 1
        assert "received 5 times" in finished.stderr
        assert "--despite-redrive-policy" in finished.stderr
        assert [letter["receiveCount"] for letter in letters.listed("--despite-redrive-policy")] == [1]

    def test_wrong_routes(self, letters, worker):
        worker.routes["queues"]["prizes"]["colour"] = "blue"
        assert letters.command("list").code == 78


@pytest.mark.parametrize(
    ("command", "mentions"),
    [
        ([], ["list", "show", "redrive", "discard", "export", "Exit codes"]),
        (["list"], ["--route", "--kind", "--older-than", "--newer-than", "--id", "--limit", "--json", "--queue"]),
        (["show"], ["<id>", "--json"]),
        (["redrive"], ["--yes", "--dry-run", "--all", "--limit", "--json"]),
        (["discard"], ["--yes", "--dry-run", "--all", "export"]),
        (["export"], ["--output", "bodyBase64"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_help(command, mentions, worker):
    shown = worker.command("dead-letters", *command, "--help").succeeded().stdout
    assert [word for word in mentions if word not in shown] == []
