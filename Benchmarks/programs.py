"""The consumers that are compared: how each is started, and what it needs."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
GO_PACKAGES = Path("/usr/share/gocode")
"""Where Debian's packages put Go's libraries."""
DEFAULT_CONCURRENCY = 32
ROUTES = """\
version: 1
queues:
  bench:
    url: ${{AWS_SQS_QUEUE_URL}}
{settings}
plugins: {{ bench: {{}} }}
defaults: {{ timeout: {timeout} }}
routes:
  ITEM_AWARDED: {{ handler: bench.{handler} }}
  REPORT: {{ handler: bench.report }}
"""


class CannotRun(Exception):
    """What this machine lacks for a consumer."""


@dataclass
class Program:
    """One way to start a consumer. It ends when there are no more messages."""

    kind: str
    """Those of one kind start alike."""
    label: str
    command: list
    in_flight: int
    """Messages that it has in flight at once."""
    messages_per_trip: float
    """How many of those it is expected to be done with in a round trip, at most."""

    @property
    def variables(self):
        return {"GOMAXPROCS": "1"} if self.kind == "go" else {}

    def messages(self, most, seconds, round_trip):
        """How many to give it, so that a run takes some seconds; `round_trip` is in milliseconds."""
        if self.kind == "boto3":
            most //= 4  # It takes several times as long, and a quarter says as much.
        if round_trip:
            most = min(most, self.in_flight * self.messages_per_trip * seconds * 1000 / round_trip)
        return max(int(most) // 10 * 10, 10)


def worker_command(binaries, folder, handler, *options, concurrency=256, wait=5, timeout="20s"):
    """The generic command, with routes that name that handler. `concurrency` None is the default settings."""
    routes = folder / f"{handler}-{concurrency}-{wait}.yaml"
    settings = {"waitTime": f"{wait}s"}
    if concurrency:
        settings |= {"maxMessages": 10, "concurrency": concurrency}
    lines = "\n".join(f"    {key}: {value}" for key, value in settings.items())
    routes.write_text(ROUTES.format(settings=lines, handler=handler, timeout=timeout))
    return [binaries / "BenchmarkWorker", "run", "--log-level", "warning", "--routes", routes, *options]


def programs(kinds, binaries, folder):
    """Those that can run here, and for each of the other kinds what it lacks."""
    make = {"worker": _workers, "go": _go, "boto3": _boto3}
    found, missing = {}, {}
    for kind in make:
        if kind in kinds:
            try:
                found |= make[kind](binaries, folder)
            except CannotRun as reason:
                missing[kind] = str(reason)
    return found, missing


def _workers(binaries, folder):
    def worker(label, concurrency):
        # Nothing is measured while it waits for what does not come.
        command = worker_command(binaries, folder, "noop", "--until-empty", concurrency=concurrency, wait=1)
        return Program("worker", label, command, concurrency or DEFAULT_CONCURRENCY, 1.5)

    return {
        "worker": worker("this worker, default settings", None),
        "worker-160": worker("this worker, concurrency 160", 160),
        "worker-1000": worker("this worker, concurrency 1,000", 1_000),
    }


def _go(binaries, folder):
    if not shutil.which("go") or not (GO_PACKAGES / "src/github.com/aws/aws-sdk-go-v2").is_dir():
        raise CannotRun("install golang-go and golang-github-aws-aws-sdk-go-v2-dev, where apt has them")
    binary = binaries / "go-consumer"
    build = subprocess.run(
        ["go", "build", "-o", binary, "."],
        cwd=HERE / "consumers/go",
        env={**os.environ, "GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOFLAGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if build.returncode:
        raise CannotRun(f"its build failed: {build.stderr.strip()}")
    # A poller receives ten in one round trip, and deletes them in another.
    return {f"go-{n}": Program("go", f"Go's SDK, {n} pollers", [binary, n], 10 * n, 0.5) for n in (2, 16, 100)}


def _boto3(binaries, folder):
    if not importlib.util.find_spec("boto3"):
        raise CannotRun("this Python has no boto3; `make bench` uses one that has")
    return {"boto3": Program("boto3", "Python, boto3, 8 threads", [sys.executable, HERE / "consumers/boto3_consumer.py"], 80, 0.5)}
