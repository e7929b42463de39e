"""`worker doctor`, and what it says of a queue that has all that it should."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.sqs import ENVIRONMENT

AWS = Path(sys.executable).with_name("aws")
TWO_WEEKS = "1209600"


@dataclass
class Report:
    code: int
    findings: list

    def of(self, check):
        return [finding for finding in self.findings if finding["check"] == check]

    def having(self, status):
        return [finding for finding in self.findings if finding["status"] == status]

    def one(self, check, status):
        """The only finding of a check with a status."""
        found = [finding for finding in self.of(check) if finding["status"] == status]
        assert len(found) == 1, f"expected one {check} that is {status}: {self.of(check)}"
        return found[0]

    def is_well(self):
        assert [self.code, *self.having("warning"), *self.having("wrong")] == [0]
        return self


@pytest.fixture
def doctor(worker):
    def doctor(*arguments):
        shown = worker.command("doctor", "--json", "--routes", worker.write_routes(), *arguments)
        return Report(shown.code, json.loads(shown.stdout)["findings"])

    return doctor


@pytest.fixture
def queue(make_queue, sqs):
    queue = make_queue()
    sqs.set_queue_attributes(QueueUrl=queue.dead_letter_url, Attributes={"MessageRetentionPeriod": TWO_WEEKS})
    return queue


@pytest.fixture
def mend(tmp_path):
    """Types the commands of a remedy, as they were printed."""

    def mend(finding):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PAGER": "", **ENVIRONMENT}
        assert finding["remedy"]
        for line in finding["remedy"]:
            name, *arguments = shlex.split(line)
            assert name == "aws"
            command = [sys.executable, AWS, *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{line}\n{done.stderr}"

    return mend
