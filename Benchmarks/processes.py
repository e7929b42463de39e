"""Consumers under measurement: processes on a core of their own, and what the system says that they cost."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from servers import CORES, memory_of, pin, private_memory_of

DEADLINE = 600.0
"""Seconds after which a run is given up."""


class ConsumerError(Exception):
    """A consumer failed; its output is in the message."""


@dataclass
class Usage:
    """CPU seconds of a process that has ended, and its resident bytes at most; None where the system does not say."""

    cpu: float
    peak_memory: int | None


class Consumer:
    """A process that reads the stub's queue. Its output goes to a file."""

    def __init__(self, command, queue_url, folder, variables=None):
        endpoint, _, _ = queue_url.partition("/000000000000/")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_SQS": endpoint,
            "AWS_SQS_QUEUE_URL": queue_url,
            **(variables or {}),
        }
        self._log = Path(folder, "consumer.log")
        self._peak = 0
        self._usage = None
        pin(CORES and CORES[1])  # What starts now inherits it, with every thread it will have.
        try:
            with open(self._log, "wb") as log:
                self.spawned_at = time.monotonic_ns()
                self._process = subprocess.Popen(
                    [str(part) for part in command],
                    env=environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        finally:
            pin(CORES and CORES[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def wait(self):
        """Until it ends by itself."""
        end = time.monotonic() + DEADLINE
        while not self._has_ended():
            # Not the peak that the system tells at the end: that counts what this process had when it forked.
            self._peak = max(self._peak, memory_of(self._process.pid)[1] or 0)
            if time.monotonic() > end:
                raise ConsumerError(f"a consumer did not end in {DEADLINE:g} s\n{self.log()}")
            time.sleep(0.05)
        if self._process.returncode:
            raise ConsumerError(f"a consumer failed: {' '.join(self._process.args)}\n{self.log()}")
        return Usage(self._usage.ru_utime + self._usage.ru_stime, self._peak or None)

    def wait_for_log(self, text, deadline):
        """Until its output has that, whether it ends then or not."""
        end = time.monotonic() + deadline
        while text not in self.log():
            if time.monotonic() > end:
                raise ConsumerError(f"a consumer did not say {text!r} in {deadline:g} s\n{self.log()}")
            time.sleep(0.05)

    def stop(self):
        """As an operator does; it must end well."""
        self.check()
        os.kill(self._process.pid, signal.SIGTERM)
        return self.wait()

    def kill(self):
        if not self._has_ended():
            self._process.kill()
            self._process.wait()

    def check(self):
        """Says so where it has ended, for who waits for what it does."""
        if self._has_ended():
            raise ConsumerError(f"a consumer ended early: {' '.join(self._process.args)}\n{self.log()}")

    def _has_ended(self):
        if self._process.returncode is None:
            process, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if process:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._usage = usage
        return self._process.returncode is not None

    def memory(self):
        """Bytes now: its own, and all that are resident; None where the system does not say."""
        return {"private": private_memory_of(self._process.pid), "resident": memory_of(self._process.pid)[0]}

    def log(self, last=3000):
        return self._log.read_text(errors="replace")[-last:]
