"""Programs that stay, and are handed one event after another."""

import json
from datetime import UTC, datetime

import pytest

from support import wait_until
from support.programs import FOLDER, PROGRAMS, is_alive, log_lines, wait_until_gone

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def test_an_event_is_handed_over_with_what_is_known_of_it(programs, queue, program):
    programs.route("TOLD", program)
    body = '{ "eventType": "TOLD",\n\t"text": "a \\u00e9 é 🎁 \u2028 \u2029 \u0085 \\n", "number": 1.50 }'
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    message = queue.send(body, {"IdempotencyKey": "win-1", "traceparent": parent})
    programs.run_until_empty()
    (event,) = programs.all("event")
    assert event.pop("body") == json.loads(body)
    assert event.pop("id").startswith(message)
    deadline = datetime.fromisoformat(event.pop("deadline"))
    assert 0 < (deadline - datetime.now(UTC)).total_seconds() + 60 < 80
    assert event == {
        "eventType": "TOLD",
        "idempotencyKey": "producer:win-1",
        "receiveCount": 1,
        "traceparent": parent,
    }


def test_a_program_has_the_named_environment_and_nothing_of_the_message_as_argument(programs, queue, program):
    programs.route("TOLD", program)
    queue.send({"eventType": "TOLD", "name": "hush"})
    programs.run_until_empty()
    (environment,) = programs.all("environment")
    # Python and Node make some of their own, and so does a coverage build.
    assert environment["RECORD"] == programs.environment["RECORD"]
    assert not environment.keys() & (programs.environment.keys() - {"RECORD"})
    assert programs.all("directory") == [str(FOLDER)]
    assert "hush" not in json.dumps(programs.all("argv"))


def test_one_process_handles_one_event_after_another(programs, queue, program):
    programs.route("TOLD", program)
    for number in range(40):
        queue.send({"eventType": "TOLD", "name": number})
    programs.run_until_empty()
    assert sorted(programs.all("done")) == list(range(40))
    assert len(programs.pids()) == 1
    assert programs.all("stopped") or programs.all("ended"), "it is stopped with the worker, and not killed"
    wait_until_gone(programs.pids())


def test_a_program_may_say_that_it_is_ready(programs, queue, program):
    programs.route("TOLD", [*PROGRAMS[program], "READY"])
    for number in range(3):
        queue.send({"eventType": "TOLD", "name": number})
    programs.run_until_empty()
    assert sorted(programs.all("done")) == [0, 1, 2]


def test_several_processes_have_several_events_in_hand(programs, queue, program):
    programs.route("TOLD", program, processes=2, concurrency=3)
    for number in range(6):
        queue.send({"eventType": "TOLD", "do": "gather", "count": 3, "together": 6, "name": number})
    programs.run_until_empty()
    # Answered last to first, and only where three are there at once, and six in all: one process that had answered its
    # three would have room for those that the other one waits for.
    assert len(programs.all("event")) == 6
    assert len(programs.pids()) == 2
    assert queue.dead_letter_count() == 0


def test_events_that_wait_for_a_process_lose_no_time_and_no_receive(programs, queue):
    programs.route("TOLD", "python", timeout="6s")
    for number in range(8):
        queue.send({"eventType": "TOLD", "do": "wait", "seconds": 1, "name": number})
    programs.run_until_empty()
    assert sorted(programs.all("done")) == list(range(8))
    assert programs.receive_counts() == [1] * 8


def test_routes_with_the_same_options_share_their_processes(programs, queue):
    for event_type in ["TOLD", "TOLD_TOO"]:
        programs.route(event_type, "python")
    programs.route("TOLD_APART", "python", directory=str(FOLDER / ".." / "process_run"), processes=2)
    for event_type in ["TOLD", "TOLD_TOO", "TOLD_APART"]:
        queue.send({"eventType": event_type})
    programs.run_until_empty()
    assert len(programs.pids()) == 2


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("conflict", {"message": "taken", "field": "prize"}), ("validation", {}), ("unexpected", {"message": "hm"})],
)
def test_a_failure_is_the_program_s(programs, queue, program, kind, fields):
    programs.route("TOLD", program)
    programs.routes["defaults"]["errors"]["otherwise"] = "permanent"
    queue.send({"eventType": "TOLD", "answer": {"outcome": "failed", "kind": kind, **fields}})
    programs.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == kind
    assert failure["message"] == fields.get("message", "the program says that it failed, and not why")
    assert failure.get("field") == fields.get("field")
    assert failure["handler"] == "process.run"


def test_an_unknown_kind_is_unexpected_and_no_label(programs, queue):
    programs.route("TOLD", "python")
    programs.routes["defaults"]["errors"]["otherwise"] = "permanent"
    queue.send({"eventType": "TOLD", "answer": {"outcome": "failed", "kind": "tuesday", "message": "no"}})
    programs.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == "unexpected"
    assert failure["message"].startswith("no (the program gives it a kind that is none of validation, ")


@pytest.mark.parametrize("asked", [4, "4s"])
def test_retry_after_is_heeded(programs, queue, asked):
    programs.route("TOLD", "python")
    failed = {"outcome": "failed", "kind": "throttled", "message": "slowly", "retryAfter": asked}
    queue.send({"eventType": "TOLD", "answer": failed})
    running = programs.start()
    programs.wait_for("event", 2)
    first, second = [record["time"] for record in programs.records if "event" in record][:2]
    assert second - first >= 4
    running.stop()


def test_retry_after_is_heeded_to_a_limit(programs, queue):
    programs.route("TOLD", "python", retryAfterMax="1s")
    failed = {"outcome": "failed", "kind": "throttled", "message": "slowly", "retryAfter": 40_000}
    queue.send({"eventType": "TOLD", "answer": failed})
    running = programs.start()
    programs.wait_for("event", 2)
    running.stop()


def test_standard_error_is_in_the_log_line_by_line_with_the_message(programs, queue, program):
    programs.route("TOLD", program)
    message = queue.send({"eventType": "TOLD", "do": "print", "text": "one\ntwo \x1b[31m\n" + "x" * 200_000})
    running = programs.start("--log-format", "json")
    queue.wait_until_empty()
    wait_until(lambda: len(log_lines(running, "the program says")) >= 3, "its lines are in the log")
    # Then no line is half written.
    running.stop()
    lines = [json.loads(line)["metadata"] for line in log_lines(running, "the program says")]
    assert [line["line"] for line in lines[:1]] == ["one"]
    assert lines[1]["line"].startswith("two ")
    assert "\x1b" not in running.log()
    assert len(lines[2]["line"]) == 65_536
    assert lines[2]["cut"] == "after 65536 bytes"
    assert {line.get("messageId") for line in lines} == {message}
    assert {line["pid"] for line in lines} == {str(programs.pids()[0])}


def test_a_flood_of_standard_error_is_taken(programs, queue, program):
    programs.route("TOLD", program, timeout="300s")
    queue.send({"eventType": "TOLD", "do": "flood standard error", "name": "flood"})
    running = programs.start()
    queue.wait_until_empty(300)
    assert programs.all("done") == ["flood"]
    wait_until(lambda: "flood 49999 " in running.log(), "all of it is in the log", 120)
    running.stop()


def test_what_is_in_hand_is_finished_within_the_deadline_of_a_stop(programs, queue, program):
    programs.route("TOLD", program)
    queue.send({"eventType": "TOLD", "do": "wait", "seconds": 3, "name": "finished"})
    running = programs.start()
    programs.wait_for("event")
    running.stop()
    assert programs.all("done") == ["finished"]
    assert queue.size() == 0
    assert not any(is_alive(pid) for pid in programs.pids())


def test_what_is_not_finished_within_the_deadline_of_a_stop_is_given_back(programs, queue, program):
    programs.route("TOLD", program, timeout="300s")
    queue.send({"eventType": "TOLD", "do": "hang"})
    running = programs.start("--shutdown-deadline", "1s")
    programs.wait_for("event")
    running.stop()
    assert "ignores its cancellation" not in running.log()
    assert [message.body for message in queue.receive()]
    assert not any(is_alive(pid) for pid in programs.pids())
