"""`worker local-queue`: the server that the worker's binary carries, in a process of its own."""

import json
import os
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from support import wait_until

READY = re.compile(r"The local queue listens on (http://\S+:\d+)\n")


class LocalQueueServer:
    """On a free port and a folder of its own; ready once `start` returns, and startable again after its end."""

    def __init__(self, binary, folder, *arguments):
        self.command = [binary, "local-queue", "--data", str(folder), *map(str, arguments)]
        self.folder = Path(folder)
        self.endpoint = None
        self.process = None
        self._logs = tempfile.TemporaryDirectory()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.is_running:
            self.stop()

    def launch(self, *arguments):
        """Starts it, and waits for nothing. Without a port among the arguments, it takes a free one."""
        options = self.command if "--port" in [*self.command, *arguments] else [*self.command, "--port", "0"]
        with open(self._path("stdout"), "wb") as stdout, open(self._path("stderr"), "ab") as stderr:
            self.process = subprocess.Popen(
                [*options, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                # Ctrl-C reaches the whole foreground group; the server must outlive the tests that use it.
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": self._logs.name, **_reports()},
            )
        return self

    def start(self, *arguments):
        self.launch(*arguments)
        wait_until(lambda: "\n" in self.stdout or not self.is_running, "the local queue is ready", interval=0.01)
        ready = READY.match(self.stdout)
        assert ready, f"its first line is not the ready line\n{self.log()}"
        self.endpoint = ready[1]
        return self

    def wait(self, deadline=120.0):
        try:
            return self.process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the local queue did not end within {deadline:g} s\n{self.log()}") from None

    def terminate(self):
        self.process.terminate()

    def stop(self):
        """Stops it as an operator does."""
        self.terminate()
        code = self.wait()
        assert code == 0, f"exit code {code} after SIGTERM\n{self.log()}"

    def kill(self):
        """Ends it as a crash would; returns when it is gone."""
        self.process.kill()
        self.process.wait()

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def stdout(self):
        return self._path("stdout").read_text(errors="replace")

    @property
    def stderr(self):
        return self._path("stderr").read_text(errors="replace")

    def log(self, last=4000):
        return (self.stdout + self.stderr)[-last:]

    def _path(self, stream):
        return Path(self._logs.name) / stream


def _reports():
    """Where a sanitizer or a coverage build reports to."""
    return {name: value for name, value in os.environ.items() if name.endswith(("SAN_OPTIONS", "PROFILE_FILE"))}


def messages(endpoint, queue_url):
    """Every message on a queue, in flight and delayed ones too; looking changes nothing."""
    query = urllib.parse.urlencode({"QueueUrl": queue_url, "ShowInvisible": "true", "ShowDelayed": "true"})
    request = urllib.request.Request(
        f"{endpoint}/_aws/sqs/messages?{query}", headers={"Accept": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.load(answer)["ReceiveMessageResponse"]["ReceiveMessageResult"].get("Message", [])
    # As in XML, one alone is in no list.
    return [
        {**message, "Attributes": {each["Name"]: each["Value"] for each in message["Attribute"]}}
        for message in (found if isinstance(found, list) else [found])
    ]


def receive_counts(endpoint, queue_url):
    """How often each message on a queue was received, by its id."""
    return {
        message["MessageId"]: int(message["Attributes"]["ApproximateReceiveCount"])
        for message in messages(endpoint, queue_url)
    }
