"""A process for each event."""

import json
import sys

import pytest

from support import wait_until
from support.programs import log_lines, wait_until_gone

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

ONCE = [sys.executable, "once.py"]


def test_the_body_comes_as_it_is_and_the_rest_in_the_environment(programs, queue):
    programs.route("TOLD", ONCE, mode="once")
    body = '{ "eventType": "TOLD",\n "text": "a \\u00e9 é 🎁", "number": 1.50 }'
    message = queue.send(body, {"IdempotencyKey": "win\nLD_PRELOAD=x"})
    programs.run_until_empty()
    assert programs.all("event") == [body]
    (environment,) = programs.all("environment")
    assert environment["EVENT_ID"] == message
    assert environment["EVENT_TYPE"] == "TOLD"
    assert environment["EVENT_IDEMPOTENCY_KEY"] == "producer:win\nLD_PRELOAD=x"
    assert environment["EVENT_RECEIVE_COUNT"] == "1"
    assert "EVENT_DEADLINE" in environment
    assert "LD_PRELOAD" not in environment
    assert not environment.keys() & (programs.environment.keys() - {"RECORD"})
    assert programs.all("argv") == [["once.py"]]


def test_events_that_it_does_not_read_are_handled(programs, queue):
    programs.route("TOLD", ["true"], mode="once", environment=[])
    queue.send({"eventType": "TOLD", "text": "x" * 200_000})
    programs.run_until_empty()
    assert queue.dead_letter_count() == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(65, "validation"), (69, "unavailable"), (75, "unavailable"), (77, "badRequest"), (78, "badRequest")]
    + [(status, "unexpected") for status in (1, 2, 64, 70, 126, 255)],
)
def test_an_exit_code_says_how_it_went(programs, queue, status, kind):
    programs.route("TOLD", ONCE, mode="once")
    kinds = ["validation", "unavailable", "badRequest"]
    programs.routes["defaults"]["errors"] = {"permanent": kinds, "otherwise": "permanent"}
    queue.send({"eventType": "TOLD", "status": status})
    programs.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == kind
    assert f"it exited with status {status}" in failure["message"]


def test_a_crash_is_unexpected(programs, queue):
    programs.route("TOLD", ONCE, mode="once")
    programs.routes["defaults"]["errors"]["otherwise"] = "permanent"
    queue.send({"eventType": "TOLD", "do": "crash"})
    programs.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == "unexpected"
    assert "signal 9 ended it" in failure["message"]


def test_what_it_prints_is_in_the_log(programs, queue):
    programs.route("TOLD", ONCE, mode="once")
    message = queue.send({"eventType": "TOLD", "print": "to output", "complain": "to error, without a line break"})
    running = programs.start("--log-format", "json")
    queue.wait_until_empty()
    wait_until(lambda: len(log_lines(running, "the program says")) >= 2, "its lines are in the log")
    # Then no line is half written.
    running.stop()
    lines = [json.loads(line)["metadata"] for line in log_lines(running, "the program says")]
    assert {(line["stream"], line["line"]) for line in lines} == {
        ("stdout", "to output"),
        ("stderr", "to error, without a line break"),
    }
    assert {line["messageId"] for line in lines} == {message}


def test_a_long_line_is_cut_in_the_log(programs, queue):
    programs.route("TOLD", ONCE, mode="once")
    queue.send({"eventType": "TOLD", "print": "x" * 100_000, "complain": "short"})
    running = programs.start("--log-format", "json")
    queue.wait_until_empty()
    wait_until(lambda: len(log_lines(running, "the program says")) >= 2, "its lines are in the log")
    running.stop()
    lines = {line["stream"]: line["line"] for line in map(metadata, log_lines(running, "the program says"))}
    assert lines["stderr"] == "short"
    assert len(lines["stdout"]) <= 65_536 + 100 and lines["stdout"].startswith("x" * 1_000)
    assert queue.dead_letter_count() == 0


def metadata(line):
    return json.loads(line)["metadata"]


def test_no_more_run_at_once_than_allowed_and_none_loses_a_receive(programs, queue):
    programs.route("TOLD", ["sh", "-c", 'cat > /dev/null; echo b >> "$RECORD"; sleep 1; echo e >> "$RECORD"'], mode="once")
    # Shorter than all of them take together.
    programs.routes["routes"]["TOLD"] |= {"timeout": "5s"}
    programs.routes["routes"]["TOLD"]["with"] |= {"processes": 2, "environment": ["RECORD", "PATH"]}
    for number in range(12):
        queue.send({"eventType": "TOLD", "number": number})
    programs.run_until_empty()
    marks = programs.record.read_text().split()
    assert marks.count("b") == 12, "each is begun once"
    running = most = 0
    for mark in marks:
        running += {"b": 1, "e": -1}[mark]
        most = max(most, running)
    assert most == 2


@pytest.mark.parametrize("misbehaviour", ["hang", "ignore signals", "close its streams"])
def test_one_that_takes_too_long_is_ended(programs, queue, misbehaviour):
    programs.route("TOLD", ONCE, mode="once", timeout="2s")
    programs.routes["defaults"]["errors"] = {"permanent": ["timeout"]}
    queue.send({"eventType": "TOLD", "do": misbehaviour})
    running = programs.start()
    queue.wait_for_dead_letters(1)
    assert queue.dead_letter().failure["kind"] == "timeout"
    wait_until_gone(programs.pids())
    assert "ignores its cancellation and keeps its slot" not in running.log()
    running.stop()


def test_what_it_has_started_ends_with_it(programs, queue):
    programs.route("TOLD", ONCE, mode="once")
    queue.send({"eventType": "TOLD", "do": "fork"})
    programs.run_until_empty()
    wait_until_gone(programs.all("forked"))
    assert queue.dead_letter_count() == 0
