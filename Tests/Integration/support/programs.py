"""A worker whose events are handled by programs in Python and Node: `process.run`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from support import wait_until
from support.worker import Worker

FOLDER = Path(__file__).parent.parent / "process_run"


def has_node():
    node = shutil.which("node")
    return bool(node) and int(subprocess.check_output([node, "--version"], text=True).lstrip("v").split(".")[0]) >= 18


PROGRAMS = {"python": [sys.executable, "child.py"], "node": ["node", "child.mjs"]}


class Programs(Worker):
    """Each event type has a program of its own, which writes down what it is given."""

    def __init__(self, binary, folder, queue_url):
        super().__init__(binary, folder, queue_url)
        self.record = self.folder / "record"
        self.environment["RECORD"] = str(self.record)
        self.environment["SECRET"] = "of the worker"
        self.environment["LD_LIBRARY_PATH"] = "/nowhere"
        self.routes["routes"] = {}
        self.settings["visibilityTimeout"] = "30s"

    def route(self, event_type, command, timeout="20s", **options):
        command = PROGRAMS[command] if isinstance(command, str) else command
        options = {"directory": str(FOLDER), "environment": ["RECORD"], "command": command, **options}
        self.routes["routes"][event_type] = {"handler": "process.run", "timeout": timeout, "with": options}

    @property
    def records(self):
        if not self.record.exists():
            return []
        # The last line may not be whole yet.
        lines = self.record.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def all(self, name):
        """What was written down under a name, in order."""
        return [record[name] for record in self.records if name in record]

    def receive_counts(self):
        """Of each time that an event was handed over, in order."""
        return [event["receiveCount"] for event in self.all("event")]

    def pids(self):
        """Of the processes that have begun."""
        return [record["pid"] for record in self.records if "begun" in record]

    def wait_for(self, name, count=1, deadline=120.0):
        wait_until(lambda: len(self.all(name)) >= count, f"{count} have {name}", deadline)
        return self.all(name)


def is_alive(pid):
    """A process that has ended and was not waited for is not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pids, deadline=120.0):
    wait_until(lambda: not any(map(is_alive, pids)), f"the processes {pids} are gone", deadline)


def log_lines(running, text):
    # The last line may not be whole yet.
    return [line for line in running.log().split("\n")[:-1] if text in line]
