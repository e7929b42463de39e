"""What is wrong with a route's options is said before anything starts."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import wait_until
from support.programs import FOLDER, has_node, log_lines

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

EXAMPLES = Path(__file__).parents[3] / "Examples" / "handlers"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"comand": ["true"]}, "unknown key `comand` in routes.TOLD.with; did you mean `command`?"),
        ({}, "routes.TOLD.with needs `command`"),
        ({"command": "python3 raffle.py"}, "with.command must be a list such as [one, two], each item text, but it is `pyth"),
        ({"command": []}, "with.command must begin with the name of a program, but it is a list"),
        ({"command": ["true"], "mode": "wroker"}, "with.mode must be worker or once, but it is `wroker`; did you mean `worker`?"),
        ({"command": ["true"], "processes": 0}, "with.processes must be from 1 to 1000, but it is `0`"),
        ({"command": ["true"], "environment": ["A=b"]}, "with.environment must be names of environment variables"),
        ({"command": ["true"], "retryAfterMax": "13h"}, "with.retryAfterMax must be 12h at most, but it is `13h`"),
    ],
)
def test_check_refuses_wrong_options(programs, options, said):
    programs.routes["routes"]["TOLD"] = {"handler": "process.run", "with": options}
    result = programs.command("check", programs.write_routes())
    assert result.code == 78
    assert said in result.output
    assert "routes.yaml:" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"command": ["no-such-program"]}, "with.command begins with no-such-program, which is in no directory of"),
        ({"command": ["./none"]}, "with.command begins with ./none, but "),
        ({"command": ["true"], "directory": "/no/such"}, "with.directory must be a directory, but there is none at /no/such"),
        ({"command": ["true"], "environment": ["NONE"]}, "with.environment names NONE, but the worker has no such"),
    ],
)
def test_run_refuses_what_is_not_there(programs, options, said):
    programs.routes["routes"]["TOLD"] = {"handler": "process.run", "with": options}
    path = programs.write_routes()
    assert programs.command("check", path).code == 0, "it says the same wherever it runs"
    result = programs.command("run", path)
    assert result.code == 78
    assert f"routes.TOLD.{said}" in result.output
    assert "routes.yaml:" in result.output


def test_the_examples_handle_their_events(programs, queue):
    if not has_node():
        pytest.skip("there is no Node.js 18 or later here: `apt-get install nodejs`, or https://nodejs.org")
    shutil.copytree(EXAMPLES, programs.folder / "Examples" / "handlers")
    for name in ["raffle.py", "raffle.mjs"]:
        assert len((EXAMPLES / name).read_text().splitlines()) <= 12
    # Where the system cannot end a process with its worker, the end of its input does.
    for command in [[sys.executable, "raffle.py"], ["node", "raffle.mjs"]]:
        ended = subprocess.run(command, cwd=EXAMPLES, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120)
        assert ended.returncode == 0
    text = (EXAMPLES / "routes.yaml").read_text()
    prize = "sword \u2028 é"
    queue.send({"eventType": "RAFFLE_WON", "userId": "42", "prize": prize})
    queue.send({"eventType": "RAFFLE_LOST", "userId": "43", "prize": prize})
    queue.send({"eventType": "RAFFLE_WON", "prize": prize})
    queue.send({"eventType": "RAFFLE_LOST", "prize": prize})
    running = programs.start_command("run", "--routes", programs.write_routes(text))
    letters = queue.wait_for_dead_letters(2)
    queue.wait_until_empty()
    assert {(letter.failure["kind"], letter.failure["field"]) for letter in letters} == {("validation", "userId")}
    wait_until(lambda: len(log_lines(running, "the program says")) == 4, "what they print is in the log")
    assert "42 wins sword" in running.log()
    assert "43 loses sword" in running.log()
    running.stop()


def test_a_program_is_looked_for_from_its_directory(programs, queue):
    script = programs.folder / "bots" / "run.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\nexec python3 {FOLDER}/once.py\n")
    script.chmod(0o755)
    programs.route("TOLD", ["./run.sh"], mode="once", directory="bots", environment=["RECORD", "PATH"])
    queue.send({"eventType": "TOLD", "name": "found"})
    programs.run_until_empty()
    assert programs.all("done") == ["found"]
    assert programs.all("directory") == [str(script.parent)]
