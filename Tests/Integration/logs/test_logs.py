"""The log, as people and programs read it."""

import json
import os
import pty
import re
import subprocess
from collections import defaultdict
from datetime import datetime

import pytest

from support import wait_until
from support.events import UNLINKED, example
from support.server import LocalQueueServer

LINE = re.compile(r"^\d\d:\d\d:\d\d (trace|debug|info|notice|warning|error|critical) +\S")


def entries(log):
    return [json.loads(line) for line in log.splitlines()]


def check_folded(lines, causes):
    """Of each cause five lines are shown, and five more where ten seconds have gone by."""
    times = defaultdict(list)
    for line in lines:
        metadata = line["metadata"]
        times[metadata["route"], metadata["error"]].append(datetime.fromisoformat(line["time"]))
    assert len(times) == causes
    for shown in times.values():
        assert len(shown) >= 5
        windows = zip(shown[::5], shown[5::5], strict=False)
        # A line is counted a moment before its time is taken: on a busy machine, a long one.
        assert all((later - earlier).total_seconds() >= 8 for earlier, later in windows), shown


def bad_item(text="nothing"):
    return {**example("item-awarded"), "itemTypeId": text}


def test_in_a_file_each_line_is_json_and_says_which_message(worker, queue, prizes):
    running = worker.start()
    message_id = queue.send(example("item-awarded"))
    prizes.wait_for(UNLINKED)
    wait_until(lambda: "event handled" in running.log(), "it is logged")
    running.stop()
    [handled] = [each for each in entries(running.log()) if each["message"] == "event handled"]
    assert handled["level"] == "info"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", handled["time"])
    metadata = handled["metadata"]
    assert (metadata["messageId"], metadata["route"], metadata["attempt"]) == (message_id, "ITEM_AWARDED", "1")
    assert metadata["queue"] == queue.name


def test_a_failure_has_its_kind_and_its_place_in_the_source(worker, queue, prizes):
    queue.send(bad_item())
    finished = worker.run_until_empty()
    [failed] = [each for each in entries(finished.stderr) if each["message"].startswith("event failed")]
    assert failed["level"] == "warning"
    assert failed["metadata"]["kind"] == "notFound"
    assert re.fullmatch(r"\w+/\w+\.swift:\d+", failed["source"])


def test_no_value_of_an_event_is_logged_so_that_failures_fold(worker, queue, prizes):
    """The values are in the dead letters."""
    bad = [
        *(bad_item(f"secret-{number}") for number in range(20)),
        *(example("character-awarded", characterId=f"secret-{number}") for number in range(10)),
        *({**example("item-awarded"), "discordGuildId": f"77700{number}"} for number in range(10)),
    ]
    for event in bad:
        queue.send(event)
    log = worker.run_until_empty().stderr
    assert "secret-" not in log and "77700" not in log
    check_folded([each for each in entries(log) if each["message"].startswith("event failed")], causes=3)
    received = {letter.failure["received"] for letter in queue.dead_letters()}
    assert {"secret-0", "secret-19", "777000"} <= received


def test_on_a_terminal_each_line_is_text_with_colours(worker, queue, prizes):
    queue.send(bad_item())
    shown = on_a_terminal(worker, "run", "--routes", worker.write_routes(), "--until-empty")
    lines = [line for line in shown.splitlines() if "event failed" in line]
    assert len(lines) == 1
    assert "\x1b[33mwarning" in lines[0]
    assert LINE.match(re.sub(r"\x1b\[[0-9;]*m", "", lines[0]))


def test_no_color_is_heeded(worker, queue, prizes):
    worker.environment["NO_COLOR"] = "1"
    queue.send(bad_item())
    assert "\x1b" not in on_a_terminal(worker, "run", "--routes", worker.write_routes(), "--until-empty")


def test_text_can_be_asked_for_anywhere(worker, queue, prizes):
    queue.send(example("item-awarded"))
    finished = worker.run_until_empty("--log-format", "text")
    assert "event handled" in finished.stderr
    assert [line for line in finished.stderr.splitlines() if not LINE.match(line)] == []


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_message_cannot_forge_a_line_nor_talk_to_the_terminal(format, worker, queue, prizes):
    queue.send(bad_item("x\n12:00:00 info forged\r\x1b[31m\u202e\u2028"))
    queue.send({"eventType": "\x1b]0;title\x07\n{}", "discordUserId": "1"})
    finished = worker.run_until_empty("--log-format", format, "--log-level", "trace")
    for line in finished.stderr.splitlines():
        assert LINE.match(line) if format == "text" else json.loads(line)
    assert [character for character in "\x1b\x07\r\u202e\u2028" if character in finished.stderr] == (
        ["\u202e"] if format == "json" and "\u202e" in finished.stderr else []
    )


def test_levels_can_be_set_for_parts(worker, queue, prizes):
    queue.send(example("item-awarded"))
    finished = worker.run_until_empty("--log-level", "error,worker=info")
    assert any(each["message"] == "event handled" for each in entries(finished.stderr))
    queue.send(example("item-awarded"))
    finished = worker.run_until_empty("--log-level", "info,worker=error")
    assert [each for each in entries(finished.stderr) if each["level"] == "info"] == []


@pytest.mark.parametrize("levels", ["loud", "info,debug", "worker.sqs="])
def test_wrong_levels_are_refused(levels, worker):
    finished = worker.command("run", "--routes", worker.write_routes(), "--log-level", levels)
    assert finished.code == 64


def test_failures_that_are_alike_are_counted(worker, queue, prizes):
    for _ in range(40):
        queue.send(bad_item())
    running = worker.start("--log-level", "info")
    # More where moto hands a message to two receives at once.
    queue.wait_for_dead_letters(40)
    # Then no line is half written.
    running.stop()
    shown = [each for each in entries(running.log()) if each["message"].startswith("event failed")]
    check_folded(shown, causes=1)


def test_a_flood_of_bad_events_is_a_bounded_number_of_lines_with_counts(worker, queue, prizes):
    """Each fails at another column, and each is dead-lettered."""
    count = 300
    for number in range(count):
        queue.send('{"eventType": "ITEM_AWARDED",' + " " * number + "!")
    log = entries(worker.run_until_empty("--log-level", "info,worker.sqs=error", timeout=120).stderr)
    assert len(log) < count / 2
    for text, more in [
        ("event failed; a retry cannot help", "more events failed in the same way"),
        ("the message was dead-lettered", "more lines like this were not shown"),
    ]:
        shown = [each for each in log if each["message"] == text]
        folded = [each["metadata"] for each in log if each["message"] == more]
        assert len(shown) >= 5
        assert folded, "how many more there were is said"
        total = len(shown) + sum(int(each["count"]) for each in folded)
        # moto can hand a message to two receives at once.
        assert total == count if isinstance(queue.server, LocalQueueServer) else total >= count
        assert {each["route"] for each in folded} == {"unrouted"}


def test_a_reader_of_the_log_that_goes_away_does_not_end_it(worker, queue, prizes):
    read, write = os.pipe()
    process = subprocess.Popen(
        [worker.binary, "run", "--routes", str(worker.write_routes())],
        env=worker.environment,
        cwd=worker.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=write,
    )
    os.close(write)
    os.close(read)
    try:
        # Each is a line or two that nobody can read.
        for _ in range(3):
            queue.send(example("item-awarded"))
        wait_until(lambda: prizes.waiting_quantity(UNLINKED) == 15, "all are granted")
        assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()


def on_a_terminal(worker, *arguments):
    """What a command shows there, whose standard error is a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [worker.binary, *map(str, arguments)],
        env={**worker.environment, "TERM": "xterm"},
        cwd=worker.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65_536):
            shown += chunk
    except OSError:
        pass  # Linux says so that the other side is closed.
    os.close(leader)
    assert process.wait(60) == 0, shown.decode(errors="replace")
    return shown.decode(errors="replace")
