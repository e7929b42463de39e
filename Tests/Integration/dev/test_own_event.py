"""docs/handlers.md, "An event of your own in five minutes": an empty folder, and what the page says to write and to type."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support import wait_until
from support.receiver import Receiver
from support.worker import RunningWorker

PAGE = (Path(__file__).parents[3] / "docs/handlers.md").read_text()
PAGE = PAGE.partition("## An event of your own in five minutes")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
ROUTES, SCRIPT, COMMANDS, WEBHOOK = (text for _, text in BLOCKS)


@pytest.fixture
def folder(tmp_path, binary):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/worker").symlink_to(binary)
    return tmp_path


@pytest.fixture
def follow(folder):
    """Types the page's commands; returns the first terminal."""
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)}
    started = []

    def follow():
        first, _, second = COMMANDS.partition("# in another terminal\n")
        command = [str(folder / "bin/worker"), *first.split()[1:], "--port", "0"]
        running = RunningWorker(command, environment, folder)
        started.append(running)
        wait_until(lambda: "Next, in another terminal" in running.log() or not running.is_running, "the worker runs")
        done = subprocess.run(
            ["bash", "-euc", second], env=environment, cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        wait_until(lambda: ": handled" in running.log() or not running.is_running, "the event is handled")
        return running

    yield follow
    for running in started:
        running.kill()
        print(running.log())


def test_a_script(folder, follow):
    (folder / "routes.yaml").write_text(ROUTES)
    (folder / "level_up.py").write_text(SCRIPT)
    running = follow()
    assert re.search(r"LEVEL_UP, message \S+: handled", running.log())
    # It is another stream, which may come later.
    wait_until(lambda: "Ada is now at level 7" in running.log(), "what the script says is in the log")


def test_a_server(folder, follow):
    receiver = Receiver()
    head, _, _ = ROUTES.partition("  LEVEL_UP:")
    assert "http://localhost:8000/" in WEBHOOK
    (folder / "routes.yaml").write_text(head + WEBHOOK.replace("http://localhost:8000", receiver.address))
    assert re.search(r"LEVEL_UP, message \S+: handled", follow().log())
    (delivery,) = receiver.deliveries
    receiver.close()
    assert (delivery.path, delivery.json) == ("/level-up", {"eventType": "LEVEL_UP", "user": "Ada", "level": 7})
