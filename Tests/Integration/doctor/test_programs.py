"""What the doctor says of the programs of `process.run`."""

import os
import sys

import pytest

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def program(doctor, worker, tmp_path):
    """Gives the doctor's findings about a route's program, whose text is given."""
    del worker.routes["plugins"]

    def find(text="", **options):
        (tmp_path / "bot.py").write_text(f"import json, os, sys, time\n{text}")
        options = {"command": [sys.executable, "bot.py"], "directory": str(tmp_path)} | options
        worker.routes["routes"] = {
            name: {"handler": "process.run", "with": options} for name in ["WON", "LOST"]
        }
        report = doctor()
        (finding,) = [each for each in report.findings if each["check"] == "plugin"]
        return finding

    return find


READS = "for line in sys.stdin: pass\n"


def test_one_that_stays(program):
    finding = program(READS)
    assert finding["status"] == "ok" and finding["message"].endswith("bot.py starts, and stays")
    assert "WON, LOST: " in finding["message"], "they share it"


def test_one_that_says_that_it_is_ready(program):
    finding = program('print(json.dumps({"ready": True}), flush=True)\n' + READS)
    assert finding["status"] == "ok" and " was ready after " in finding["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_the_kind", "exited with status 1; it said: ModuleNotFoundError: No module named"),
        ("sys.exit(3)", "exited with status 3"),
        ("os.kill(os.getpid(), 9)", "signal 9 ended it"),
        ("print('hello', flush=True); time.sleep(60)", "it wrote a line that is no JSON object"),
        ("print('\x1b[31mred', file=sys.stderr); sys.exit(1)", r"it said: \u{1b}[31mred"),
    ],
)
def test_one_that_ends(program, text, said):
    finding = program(text)
    assert finding["status"] == "wrong" and said in finding["message"]
    assert finding["remedy"]


def test_one_that_is_not_there(program):
    finding = program(command=["no-such-program"])
    assert finding["status"] == "wrong" and "command begins with no-such-program" in finding["message"]


def test_one_that_may_not_be_executed(program, tmp_path):
    (tmp_path / "bot").write_text("")
    finding = program(command=["./bot"])
    assert finding["status"] == "wrong" and "chmod +x" in finding["message"]


def test_a_variable_that_is_not_there(program):
    finding = program(READS, environment=["NOT_THERE"])
    assert finding["status"] == "wrong" and "NOT_THERE" in finding["message"]


def test_mode_once_is_not_started(program, tmp_path):
    finding = program(f"open({str(tmp_path / 'started')!r}, 'w')", mode="once")
    assert finding["status"] == "ok" and "can be executed" in finding["message"]
    assert not os.path.exists(tmp_path / "started")


def test_what_was_started_is_gone(program, tmp_path):
    program(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n" + "while True: time.sleep(1)\n")
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
