"""`worker dead-letters list`, `show` and `export` show letters, and change nothing."""

import json
import os
import signal
import subprocess
import threading
import time

import pytest

from support import takes_at_most, wait_until
from support.events import UNLINKED, account_linked, item


class TestList:
    def test_both_sorts(self, letters, unknown_coin, coin):
        (written,) = letters.written(unknown_coin)
        moved = letters.moved(coin)
        by_original = {letter["originalId"]: letter for letter in letters.listed()}
        assert by_original.keys() == {written, moved}
        assert by_original[written]["id"] != written
        assert by_original[written]["kind"] == "notFound"
        assert by_original[written]["failure"]["handler"] == "prizes.item"
        assert by_original[moved]["id"] == moved
        assert "kind" not in by_original[moved]
        assert {letter["route"] for letter in by_original.values()} == {"ITEM_AWARDED"}

    def test_for_people(self, letters, unknown_coin, coin):
        (written,) = letters.written(unknown_coin)
        moved = letters.moved(coin)
        shown = letters.command("list").succeeded()
        header, *rows = [line for line in shown.stdout.splitlines() if line.strip()]
        assert header.split() == ["ID", "FIRST", "ID", "AGE", "ROUTE", "KIND", "WHY"]
        assert [row.split()[3:5] for row in rows[:2]] == [["ITEM_AWARDED", "notFound"], ["ITEM_AWARDED", "-"]]
        assert [row.split()[1] for row in rows[:2]] == [written, "-"], "the id that the log has, where it is another"
        assert rows[1].startswith(moved)
        assert "does not exist" in rows[0] and unknown_coin["itemTypeId"] in rows[0]
        assert rows[2].startswith("2 dead letters in ")
        assert "counted as a receive of 2 dead letters" in shown.stderr

    def test_it_changes_nothing_but_receive_counts(self, letters, queue, unknown_coin):
        letters.written(*[unknown_coin] * 12)
        assert letters.counts() == (12, 0)
        before = [letter["receiveCount"] for letter in letters.listed()]
        assert letters.counts() == (12, 0)
        assert [letter["receiveCount"] for letter in letters.listed()] == [count + 1 for count in before]
        assert len(queue.dead_letters()) == 12, "they are visible at once"

    def test_an_empty_queue(self, letters):
        assert letters.command("list").succeeded().stdout.startswith("0 dead letters in ")
        assert letters.listed() == []

    def test_it_says_that_there_are_more(self, letters, unknown_coin):
        letters.written(*[unknown_coin] * 13)
        page = letters.json("list", "--limit", 5)
        assert len(page["deadLetters"]) == 5
        assert (page["isComplete"], page["approximatelyVisible"], page["received"]) == (False, 13, 5)
        assert "which holds about 13; --limit shows more" in letters.command("list", "--limit", 5).succeeded().stdout
        whole = letters.json("list")
        assert len({letter["id"] for letter in whole["deadLetters"]}) == 13
        assert whole["isComplete"]

    def test_letters_in_the_hands_of_others_are_said(self, letters, queue, unknown_coin):
        letters.written(unknown_coin, unknown_coin)
        queue.sqs.receive_message(QueueUrl=queue.dead_letter_url, MaxNumberOfMessages=1, VisibilityTimeout=60)
        assert "1 more are in flight" in letters.command("list").succeeded().stdout

    def test_filters(self, letters, unknown_coin, coin):
        letters.written(unknown_coin, item(quantity=0), account_linked("no id", "x"), {"eventType": "UNKNOWN"})
        moved = letters.moved(coin)
        everything = letters.listed()
        assert len(everything) == 5

        def found(*arguments):
            return sorted((letter["route"], letter.get("kind", "-")) for letter in letters.listed(*arguments))

        items = [("ITEM_AWARDED", "notFound"), ("ITEM_AWARDED", "validation")]
        assert found("--kind", "notFound", "--kind", "validation", "--route", "ITEM_AWARDED") == items
        assert found("--route", "UNKNOWN", "--route", "ACCOUNT_LINKED") == [
            ("ACCOUNT_LINKED", "validation"),
            ("UNKNOWN", "validation"),
        ]
        assert [letter["id"] for letter in letters.listed("--kind", "-")] == [moved]
        assert found("--older-than", "1h") == []
        assert len(found("--newer-than", "1h")) == 5
        assert found("--newer-than", "1h", "--kind", "notFound") == [("ITEM_AWARDED", "notFound")]
        (one,) = [letter for letter in everything if letter["route"] == "UNKNOWN"]
        assert found("--id", one["id"]) == [("UNKNOWN", "validation")]
        assert found("--id", one["originalId"]) == [("UNKNOWN", "validation")]
        assert letters.counts() == (5, 0)

    def test_a_slip_of_the_pen_is_no_answer(self, letters, unknown_coin):
        letters.written(unknown_coin)
        for command in (["list"], ["export"], ["redrive", "--yes"], ["discard", "--yes"]):
            finished = letters.command(*command, "--kind", "notFond")
            assert finished.code == 1
            assert "has the kind notFond" in finished.stderr and "did you mean notFound?" in finished.stderr
        finished = letters.command("list", "--route", "ITEM_AWARDDE")
        assert finished.code == 1
        assert "did you mean ITEM_AWARDED?" in finished.stderr
        assert letters.listed("--kind", "conflict", "--route", "CHARACTER_AWARDED") == [], "there are none, and could be"
        assert letters.counts() == (1, 0)

    def test_the_schema(self, letters, queue, unknown_coin):
        letters.written(unknown_coin)
        listing = letters.json("list")
        assert listing.keys() == {
            "queue",
            "deadLetterQueue",
            "deadLetters",
            "received",
            "isComplete",
            "approximatelyVisible",
            "approximatelyInFlight",
        }
        assert listing["queue"] == queue.name
        (letter,) = listing["deadLetters"]
        assert letter.keys() == {
            "id",
            "originalId",
            "isOriginalIdClaimed",
            "idempotencyKey",
            "route",
            "eventType",
            "kind",
            "sent",
            "firstReceived",
            "receiveCount",
            "bytes",
            "queue",
            "failure",
        }
        assert letter["queue"] == queue.name
        assert letter["idempotencyKey"] == f"message:{letter['originalId']}"
        assert letter["sent"].endswith("Z")

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
    def test_a_signal_gives_everything_back(self, number, code, letters, worker, proxy, unknown_coin):
        letters.written(*[unknown_coin] * 15)
        reached, go_on = threading.Event(), threading.Event()
        receives = []

        def hold_the_second(operation, body):
            if operation == "ReceiveMessage":
                receives.append(body)
                if len(receives) == 2:
                    reached.set()
                    go_on.wait(30)

        proxy.on_request = hold_the_second
        running = worker.start_command("dead-letters", "list", "--routes", worker.write_routes())
        assert reached.wait(30), running.log()
        assert letters.counts() == (5, 10)
        running.signal(number)
        # Or it could come to its end first.
        wait_until(lambda: "Stopping" in running.log(), "the signal is heeded")
        go_on.set()
        with takes_at_most(20, "giving letters back"):
            assert running.wait() == code
        assert letters.counts() == (15, 0), running.log()

    def test_an_error_gives_everything_back(self, letters, proxy, unknown_coin):
        letters.written(*[unknown_coin] * 15)
        receives = []

        def fail_the_second(operation, body):
            receives.extend([operation] if operation == "ReceiveMessage" else [])
            if operation == "ReceiveMessage" and len(receives) > 1:
                return 400, b'{"__type": "com.amazonaws.sqs#AccessDenied", "message": "No."}'

        proxy.on_request = fail_the_second
        finished = letters.command("list")
        assert finished.code == 1
        assert "sqs:ReceiveMessage" in finished.stderr
        assert letters.counts() == (15, 0)


class TestShow:
    def test_everything(self, letters, unknown_coin):
        (original,) = letters.written(unknown_coin, source="bot")
        (listed,) = letters.listed()
        shown = letters.json("show", listed["id"])
        assert json.loads(shown["body"]) == unknown_coin
        assert shown["attributes"]["source"] == {"dataType": "String", "stringValue": "bot"}
        assert shown["failure"]["field"] == "itemTypeId"
        assert shown["failure"]["messageId"] == original
        text = letters.command("show", original).succeeded().stdout
        for part in [listed["id"], original, "notFound", "prizes.item", "source (String): bot", UNLINKED]:
            assert part in text
        assert letters.counts() == (1, 0)

    def test_by_the_beginning_of_an_id(self, letters, unknown_coin):
        first, second = letters.written(unknown_coin, unknown_coin)
        listed = {letter["originalId"]: letter["id"] for letter in letters.listed()}
        assert letters.json("show", first[:13])["id"] == listed[first]
        assert letters.json("show", listed[second][:13].upper())["id"] == listed[second]
        assert {letter["id"] for letter in letters.listed(first[:13], second)} == set(listed.values())
        assert "four characters or more" in letters.command("show", first[:3]).failed().stderr
        assert letters.counts() == (2, 0)

    def test_a_beginning_that_several_have(self, letters, queue, coin):
        """Message ids are SQS's to choose, and none begins so: two letters of one first message stand for that."""
        body = json.dumps(coin)
        for id in ("first-a", "first-b"):
            failure = {"kind": "notFound", "message": "no", "receiveCount": 1, "messageId": id}
            attribute = {"DataType": "String", "StringValue": json.dumps(failure)}
            queue.sqs.send_message(
                QueueUrl=queue.dead_letter_url, MessageBody=body, MessageAttributes={"WorkerFailure": attribute}
            )
        finished = letters.command("redrive", "first", "--yes")
        assert finished.code == 1
        assert "first is the beginning of 2 ids" in finished.stderr and "first-a, first-b" in finished.stderr
        assert letters.counts() == (2, 0)
        letters.command("redrive", "first-a", "--yes").succeeded()
        assert [letter["originalId"] for letter in letters.listed()] == ["first-b"]

    def test_a_letter_that_is_not_there(self, letters, unknown_coin):
        letters.written(unknown_coin)
        finished = letters.command("show", "nothing")
        assert finished.code == 1
        assert "no dead letter nothing among the 1 that could be seen" in finished.stderr
        assert letters.counts() == (1, 0)


class TestExport:
    def test_to_a_file_and_to_standard_output(self, letters, worker, queue, unknown_coin):
        letters.written(*[unknown_coin] * 11)
        binary = {"DataType": "Binary.x", "BinaryValue": b"\x00\xff"}
        queue.sqs.send_message(
            QueueUrl=queue.dead_letter_url, MessageBody="no JSON\n世界", MessageAttributes={"bytes": binary}
        )
        finished = letters.command("export", "--output", "letters.jsonl").succeeded()
        assert "Exported 12 dead letters" in finished.stderr
        assert finished.stdout == ""
        lines = [json.loads(line) for line in (worker.folder / "letters.jsonl").read_text().split("\n")[:-1]]
        assert len(lines) == 12
        (foreign,) = [line for line in lines if "kind" not in line]
        assert foreign["body"] == "no JSON\n世界"
        assert foreign["attributes"] == {"bytes": {"dataType": "Binary.x", "binaryValue": "AP8="}}
        assert all(json.loads(line["body"]) == unknown_coin for line in lines if line is not foreign)
        printed = letters.command("export", "--kind", "notFound").succeeded().stdout
        assert len(printed.splitlines()) == 11
        assert letters.counts() == (12, 0)

    def test_a_reader_who_goes_away(self, letters, worker, unknown_coin):
        letters.written(*[unknown_coin] * 15)
        command = [worker.binary, "dead-letters", "export", "--routes", worker.write_routes()]
        # Before it writes: all of it fits into a pipe.
        reader, output = os.pipe()
        os.close(reader)
        pipes = {"stdout": output, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=worker.environment, cwd=worker.folder, **pipes) as running:
            os.close(output)
            stderr = running.stderr.read().decode()
            assert running.wait(30) == 128 + signal.SIGPIPE, stderr
        assert stderr == "", "there is nobody to tell"
        assert letters.counts() == (15, 0)

    def test_what_takes_long_is_told(self, letters, proxy, unknown_coin):
        letters.written(*[unknown_coin] * 15)
        receives = []

        def hold_up_the_second(operation, body):
            receives.extend([operation] if operation == "ReceiveMessage" else [])
            if operation == "ReceiveMessage" and len(receives) == 2:
                time.sleep(3.1)

        proxy.on_request = hold_up_the_second
        assert "… 15 of about 15 dead letters" in letters.command("export").succeeded().stderr

    def test_a_file_is_not_overwritten(self, letters, worker):
        (worker.folder / "letters.jsonl").write_text("dear")
        finished = letters.command("export", "--output", "letters.jsonl")
        assert finished.code == 1
        assert "exists already" in finished.stderr
        assert (worker.folder / "letters.jsonl").read_text() == "dear"
