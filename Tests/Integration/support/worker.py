"""The worker's binary, run as an operator runs it."""

import json
import os
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from support import takes_at_most
from support.sqs import ENVIRONMENT


@dataclass
class Finished:
    code: int
    stdout: str
    stderr: str

    @property
    def output(self):
        return self.stdout + self.stderr

    def succeeded(self):
        assert self.code == 0, f"exit code {self.code}\n{self.output}"
        return self

    def failed(self):
        """It ended with an error of its own making, not by a crash."""
        assert self.code > 0, f"expected an error, got exit code {self.code}\n{self.output}"
        return self


class RunningWorker:
    def __init__(self, command, environment, folder, **options):
        # To append, because a reader that shared the writer's place in the file would move it.
        self._log = tempfile.NamedTemporaryFile("ab")
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            **options,
        )

    def signal(self, number):
        self.process.send_signal(number)

    def terminate(self):
        self.signal(signal.SIGTERM)

    def kill(self):
        """Ends it as a crash would; returns when it is gone."""
        self.process.kill()
        self.process.wait()

    def wait(self, deadline=120.0):
        try:
            return self.process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end within {deadline:g} s") from None

    def stop(self, deadline=60.0):
        """Stops it as an operator does."""
        self.terminate()
        with takes_at_most(deadline, "stopping"):
            code = self.wait(deadline)
        assert code == 0, f"exit code {code} after SIGTERM\n{self.log()}"

    @property
    def is_running(self):
        return self.process.poll() is None

    def log(self):
        return Path(self._log.name).read_text(errors="replace")

    def attempts(self):
        """By which receive of each message its event was handled; ask a worker that has stopped."""
        lines = [json.loads(line) for line in self.log().splitlines() if '"event handled"' in line]
        return {line["metadata"]["messageId"]: int(line["metadata"]["attempt"]) for line in lines}


class Worker:
    """One configuration of the worker: its folder, its routes.yaml and its environment."""

    def __init__(self, binary, folder, queue_url):
        self.binary = binary
        self.folder = Path(folder)
        self.database = self.folder / "prizes.db"
        self.started = []
        self.routes = {
            "version": 1,
            "queues": {
                "prizes": {
                    "url": "${AWS_SQS_QUEUE_URL}",
                    "region": "${AWS_REGION:-us-east-1}",
                    "enabled": "${AWS_SQS_ENABLED:-true}",
                    "maxMessages": 10,
                    "waitTime": "1s",
                    "visibilityTimeout": "30s",
                    "maxReceiveCount": 3,
                    "concurrency": 16,
                }
            },
            "plugins": {"prizes": {"database": f"sqlite:{self.database}"}},
            "defaults": {
                "timeout": "20s",
                "retry": {"base": "1s", "factor": 2, "max": "1s", "jitter": "full"},
                "errors": {
                    "permanent": ["validation", "notFound", "conflict", "badRequest"],
                    "transient": ["network", "timeout", "unavailable", "throttled"],
                    "otherwise": "transient",
                },
                "unrouted": "deadLetter",
            },
            "routes": {
                "ITEM_AWARDED": {"handler": "prizes.item"},
                "CHARACTER_AWARDED": {"handler": "prizes.character"},
                "ACCOUNT_LINKED": {"handler": "prizes.link"},
            },
        }
        # Nothing of the environment of whoever runs the tests: no AWS profile, no endpoint, no proxy.
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SQS_QUEUE_URL": queue_url,
            **ENVIRONMENT,
            # Where a sanitizer or a coverage build reports to.
            **{name: value for name, value in os.environ.items() if name.endswith(("SAN_OPTIONS", "PROFILE_FILE"))},
        }

    @property
    def settings(self):
        """Of its queue, in routes.yaml."""
        return self.routes["queues"]["prizes"]

    def write_routes(self, text=None):
        # JSON is YAML, and needs no library.
        path = self.folder / "routes.yaml"
        # At once, for a worker that was just started may be reading it, and another thread may start one, too.
        new = path.with_suffix(f".{threading.get_ident()}")
        new.write_text(text if text is not None else json.dumps(self.routes, indent=2))
        return new.replace(path)

    def command(self, *arguments, input=None, timeout=120.0):
        """Runs any of its commands to its end, in its folder."""
        try:
            done = subprocess.run(
                [self.binary, *map(str, arguments)],
                env=self.environment,
                cwd=self.folder,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as expired:
            output = b"".join(part if isinstance(part, bytes) else b"" for part in (expired.stdout, expired.stderr))
            raise AssertionError(
                f"worker {' '.join(map(str, arguments))} did not end within {timeout:g} s\n"
                + output.decode(errors="replace")
            ) from None
        print(f"$ worker {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return Finished(done.returncode, done.stdout, done.stderr)

    def run_until_empty(self, *arguments, timeout=120.0):
        """Handles all that is in the queue."""
        return self.command(
            "run", "--routes", self.write_routes(), "--until-empty", *arguments, timeout=timeout
        ).succeeded()

    def start(self, *arguments, **options):
        """Starts it and lets it run; the test ends with it in any case. Options are Popen's."""
        return self.start_command("run", "--routes", self.write_routes(), *arguments, **options)

    def start_command(self, *arguments, **options):
        """The same with any of its commands."""
        command = [self.binary, *map(str, arguments)]
        worker = RunningWorker(command, self.environment, self.folder, **options)
        self.started.append(worker)
        return worker

    def close(self):
        for number, worker in enumerate(self.started, start=1):
            if worker.is_running:
                worker.kill()
            # pytest shows this where the test failed.
            print(f"--- the log of worker {number}, which ended with {worker.process.returncode}\n{worker.log()}")
