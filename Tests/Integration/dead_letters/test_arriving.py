"""Dead letters that arrive while a command looks at them: it ends all the same, and leaves what came after its start."""

import json
import threading

import pytest

from support import takes_at_most
from support.events import item


@pytest.fixture
def written(letters, unknown_coin):
    return letters.written(unknown_coin, unknown_coin)


@pytest.fixture
def arriving(written, queue):
    """Letters of a bot that goes on failing: several in the second for which a receive waits.

    They begin when the worker has run, however long that takes: a table has rows for some hundreds."""
    stop = threading.Event()

    def send():
        number = 0
        while not stop.is_set():
            number += 1
            queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody=f'{{"eventType":"LATER","n":{number}}}')
            stop.wait(0.1)

    thread = threading.Thread(target=send)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.parametrize(
    "command", [["list", "--limit", "1000"], ["redrive", "--all", "--yes"], ["discard", "--all", "--yes"], ["show", "no-such-letter"]],
    ids=lambda command: command[0],
)
def test_a_command_ends_though_letters_go_on_arriving(command, letters, written, arriving):
    with takes_at_most(40, "a look at a handful of letters"):
        finished = letters.command(*command)
    assert "after this command began, and stayed there" in finished.stderr
    if command[0] == "list":
        assert all(id in finished.stdout for id in written)
    if command[0] == "redrive":
        assert {"redriven"} == {line.split()[0] for line in finished.stdout.splitlines() if written[0] in line}
    if command[0] == "discard":
        assert "Deleted " in finished.stdout


def test_what_must_fail_again_is_said_before_it_is_sent(letters, queue):
    letters.written(item(quantity=0))
    shown = letters.command("redrive", "--all", "--dry-run").succeeded().stdout
    assert "it will fail again: quantity: expected" in shown
    assert "1 dead letter would go to" in shown and "1 dead letter of these will fail again" in shown
    done = letters.command("redrive", "--all", "--yes").succeeded()
    assert "Warning: dead letter " in done.stderr and "will fail again" in done.stderr
    assert queue.size() == 1, "the operator has the last word"


def test_what_only_its_handler_can_decide_gets_no_warning(letters, unknown_coin):
    letters.written(unknown_coin)
    assert "will fail again" not in letters.command("redrive", "--all", "--yes").succeeded().output


def test_what_failed_again_is_counted_and_not_sent_again(letters, worker, queue, unknown_coin):
    """A bot's flood keeps the command at work until the worker has dead-lettered the letter once more."""
    letters.written(*[unknown_coin] * 3)
    running = worker.start()
    try:
        stop = threading.Event()

        def send():
            while not stop.wait(0.1):
                queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody='{"eventType":"LATER"}')

        thread = threading.Thread(target=send)
        thread.start()
        try:
            with takes_at_most(60, "a redrive beside a worker that fails"):
                finished = letters.command("redrive", "--all", "--yes", "--json")
        finally:
            stop.set()
            thread.join()
    finally:
        running.stop()
    outcomes = [letter for letter in json.loads(finished.stdout)["deadLetters"] if letter.get("route") == "ITEM_AWARDED"]
    redriven = [letter["originalId"] for letter in outcomes if letter["outcome"] == "redriven"]
    assert len(redriven) == len(set(redriven)) == 3
    assert {letter["outcome"] for letter in outcomes} <= {"redriven", "cameBack"}
