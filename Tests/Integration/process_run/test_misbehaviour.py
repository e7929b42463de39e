"""Programs that crash, hang, flood, close their pipes, fork, and answer what they should not."""

import json
import sys
from datetime import datetime

import pytest

from support import wait_until
from support.programs import PROGRAMS, is_alive, log_lines, wait_until_gone

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

ENDS = {
    "crash": "signal ",
    "exit": "it exited with status 0",
    "garbage": "it wrote a line that is no JSON object",
    "a long line": "it wrote a line of more than 65536 bytes",
    "flood standard output": "it ",
    "an unknown id": "it wrote an answer whose `id` is of no event that it has in flight",
    "no outcome": "it wrote an answer whose `outcome` is neither `handled` nor `failed`",
    "close standard output": "",
    "hang": "it had not answered when its event's time was over",
    "ignore signals": "it had not answered when its event's time was over",
    "close standard input": "",
}


@pytest.mark.parametrize("misbehaviour", ENDS)
def test_a_process_that_misbehaves_is_replaced_and_its_event_comes_again(programs, queue, program, misbehaviour):
    # A program needs a second or more for its start on a busy machine.
    programs.route("TOLD", program, timeout="8s")
    queue.send({"eventType": "TOLD", "do": misbehaviour, "times": 1, "name": "done at last"})
    running = programs.start()
    queue.wait_until_empty(120)
    assert programs.all("done") == ["done at last"]
    assert programs.receive_counts() == [1, 2]
    first, *others = programs.pids()
    assert others, "another process took its place"
    wait_until_gone([first])
    # The worker says so when it knows how the process has ended, which may be a moment later.
    said = "a process has ended; the next event that needs one starts another"
    (line,) = wait_until(lambda: log_lines(running, said), "its end is in the log")
    assert ENDS[misbehaviour] in line
    running.stop()


def test_one_that_hangs_is_asked_to_end_before_it_is_killed(programs, queue):
    programs.route("TOLD", "python", timeout="8s")
    queue.send({"eventType": "TOLD", "do": "hang", "times": 1, "name": "done at last"})
    running = programs.start()
    assert programs.wait_for("stopped") == [True], "SIGTERM has reached it, which it handles"
    queue.wait_until_empty(120)
    assert programs.all("done") == ["done at last"]
    running.stop()


def test_an_event_that_is_answered_twice_is_handled_once(programs, queue, program):
    programs.route("TOLD", program)
    for number in range(3):
        queue.send({"eventType": "TOLD", "do": "answer twice", "times": 1, "name": number})
    running = programs.start()
    queue.wait_until_empty()
    # The second answer is of no event in flight, and a process that gives it is not trusted with another.
    wait_until(lambda: log_lines(running, "whose `id` is of no event"), "it is noticed")
    assert {*programs.all("done")} == {0, 1, 2}
    assert queue.dead_letter_count() == 0
    running.stop()


def test_events_in_hand_beside_a_crash_come_again(programs, queue):
    crashed = str(programs.folder / "crashed")
    programs.route("TOLD", "python", concurrency=3)
    queue.send({"eventType": "TOLD", "do": "gather", "count": 2, "until": crashed, "name": "beside it"})
    running = programs.start()
    programs.wait_for("event")
    queue.send({"eventType": "TOLD", "do": "crash", "once": crashed, "name": "crashes"})
    queue.wait_until_empty(120)
    assert {*programs.all("done")} == {"beside it", "crashes"}
    (line, *_) = wait_until(lambda: log_lines(running, "a process has ended"), "its end is in the log")
    assert "signal 11 ended it" in line
    assert queue.dead_letter_count() == 0
    running.stop()


def test_standard_error_may_be_closed(programs, queue, program):
    programs.route("TOLD", program)
    for number in range(3):
        queue.send({"eventType": "TOLD", "do": "close standard error" if number == 0 else "", "name": number})
    programs.run_until_empty()
    assert len(programs.all("done")) == 3


def test_what_a_process_has_started_ends_with_it(programs, queue, program):
    programs.route("TOLD", program)
    queue.send({"eventType": "TOLD", "do": "fork"})
    running = programs.start()
    (forked,) = programs.wait_for("forked")
    queue.wait_until_empty()
    assert is_alive(forked)
    running.stop()
    wait_until_gone([forked, *programs.pids()])


@pytest.mark.parametrize("mode", ["worker", "once"])
def test_what_it_has_started_is_killed_where_it_ignores_its_end(programs, queue, mode):
    command = [sys.executable, "once.py" if mode == "once" else "child.py"]
    programs.route("TOLD", command, mode=mode, timeout="8s")
    programs.routes["defaults"]["errors"] = {"permanent": ["timeout", "unavailable"]}
    queue.send({"eventType": "TOLD", "do": "fork stubbornly"})
    running = programs.start()
    (forked,) = programs.wait_for("forked")
    queue.wait_for_dead_letters(1)
    wait_until_gone([forked, *programs.pids()])
    running.stop()


@pytest.mark.parametrize("mode", ["worker", "once"])
@pytest.mark.parametrize("misbehaviour", ["hang", "ignore signals", "close standard input"])
def test_none_outlives_the_worker_that_is_killed(programs, queue, program, misbehaviour, mode):
    if mode == "once":
        program = [sys.executable, "once.py"]
    programs.route("TOLD", program, mode=mode, timeout="300s")
    queue.send({"eventType": "TOLD", "do": misbehaviour})
    running = programs.start()
    programs.wait_for("event")
    pids = programs.pids()
    assert all(is_alive(pid) for pid in pids)
    running.kill()
    wait_until_gone(pids)


def test_a_program_that_is_ready_and_ends_by_each_event_is_started_less_and_less_often(programs, queue):
    programs.route("TOLD", [sys.executable, "child.py", "READY"])
    fixed = programs.folder / "fixed"
    messages = [queue.send({"eventType": "TOLD", "do": "exit", "unless": str(fixed), "name": each}) for each in range(8)]
    running = programs.start()
    programs.wait_for("begun", 5, deadline=120)
    starts = [record["time"] for record in programs.records if "begun" in record]
    gaps = [later - earlier for earlier, later in zip(starts[1:], starts[2:], strict=False)]
    # The first two start at once; then each waits longer than the one before.
    assert gaps[0] >= 0.9 and gaps[1] >= 1.9 and gaps[2] >= 3.9, gaps
    wait_until(lambda: log_lines(running, "the plugin is down"), "the breaker opens")
    assert all(queue.receive_count(message) <= 1 for message in messages), "an outage costs no receive"
    fixed.touch()
    queue.wait_until_empty(120)
    assert {*programs.all("done")} == {*range(8)}
    running.stop()


def test_one_event_that_ends_each_process_is_a_dead_letter(programs, queue):
    programs.route("TOLD", [sys.executable, "child.py", "READY"])
    queue.send({"eventType": "TOLD", "do": "exit"})
    running = programs.start()
    wait_until(lambda: queue.dead_letter_count() == 1, "it is dead-lettered", deadline=180)
    assert "it exited with status 0" in queue.dead_letter().failure["message"]
    running.stop()


def test_processes_that_die_beside_one_that_lives_are_started_less_and_less_often(programs, queue):
    """As where each binds the same port: the first one has it, and the others cannot start."""
    (programs.folder / "alone.sh").write_text('exec flock --nonblock "$0.lock" "$@"\n')
    command = ["sh", str(programs.folder / "alone.sh"), *PROGRAMS["python"], "READY"]
    programs.route("TOLD", command, processes=4, environment=["RECORD", "PATH"])
    for number in range(120):
        queue.send({"eventType": "TOLD", "do": "wait", "seconds": 0.05, "name": number})
    running = programs.start()
    queue.wait_until_empty(240)
    assert {*programs.all("done")} == {*range(120)}
    assert queue.dead_letter_count() == 0
    ends = [json.loads(line)["time"] for line in log_lines(running, "a process has ended")]
    running.stop()
    assert len(programs.pids()) == 1, "one process handles them all"
    first, *_, last = [datetime.fromisoformat(end).timestamp() for end in ends]
    # Three start beside it, and another in the place of the first that ends; and once more when the one that lives is
    # ready. From then on each waits for a second and longer.
    assert len(ends) <= 8 + (last - first), ends


def test_a_program_that_cannot_start_opens_its_circuit_breaker_and_no_other(programs, queue, program):
    fixed = programs.folder / "fixed"
    script = programs.folder / "flaky.sh"
    script.write_text(f'#!/bin/sh\n[ -e {fixed} ] || exit 3\nexec "$@"\n')
    script.chmod(0o755)
    programs.route("BROKEN", [str(script), *PROGRAMS[program]], environment=["RECORD", "PATH"])
    programs.route("TOLD", program)
    messages = [queue.send({"eventType": "BROKEN", "name": number}) for number in range(6)]
    running = programs.start()
    wait_until(lambda: log_lines(running, "the plugin is down"), "the breaker opens")
    (line, *_) = log_lines(running, "the plugin is down")
    assert "process: flaky.sh" in line
    assert "keeps ending before it is ready: it exited with status 3" in line
    queue.send({"eventType": "TOLD", "name": "another"})
    wait_until(lambda: programs.all("done") == ["another"], "the other route goes on")
    assert all(queue.receive_count(message) <= 1 for message in messages), "an outage costs no receive"
    fixed.touch()
    queue.wait_until_empty(120)
    assert sorted(map(str, programs.all("done"))) == ["0", "1", "2", "3", "4", "5", "another"]
    assert programs.receive_counts() == [1] * 7, "an outage costs no receive"
    running.stop()
