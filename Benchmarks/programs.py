"""The consumers that are compared: how each is started, and what it needs."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
GO_PACKAGES = Path("/usr/share/gocode")
"""Where Debian's packages put Go's libraries."""
ROUTES = """\
version: 1
queues:
  bench:
    url: ${{AWS_SQS_QUEUE_URL}}
    maxMessages: 10
    waitTime: {wait}s
    concurrency: {concurrency}
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
    """`messages` are given to it in each run; it ends when there are no more."""

    command: list
    messages: int
    variables: dict = field(default_factory=dict)


def worker_command(binaries, folder, handler, *options, concurrency=256, wait=5, timeout="20s"):
    """The generic command, with routes that name that handler."""
    routes = folder / f"{handler}-{concurrency}-{wait}.yaml"
    routes.write_text(ROUTES.format(handler=handler, concurrency=concurrency, wait=wait, timeout=timeout))
    return [binaries / "BenchmarkWorker", "run", "--log-level", "warning", "--routes", routes, *options]


def programs(names, messages, binaries, folder):
    """Those that can run here, and for each of the others what it lacks."""
    make = {
        "worker": lambda: Program(worker_command(binaries, folder, "noop", "--until-empty"), messages),
        "go": lambda: Program([_build_go(binaries)], messages, {"GOMAXPROCS": "1"}),
        # It takes several times as long, and a quarter says as much.
        "boto3": lambda: Program(_boto3(), max(messages // 40 * 10, 10)),
    }
    found, missing = {}, {}
    for name in make.keys() & set(names):
        try:
            found[name] = make[name]()
        except CannotRun as reason:
            missing[name] = str(reason)
    return {name: found[name] for name in make if name in found}, missing


def _build_go(binaries):
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
    return binary


def _boto3():
    if not importlib.util.find_spec("boto3"):
        raise CannotRun("this Python has no boto3; `make bench` uses one that has")
    return [sys.executable, HERE / "consumers/boto3_consumer.py"]
