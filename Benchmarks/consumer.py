"""What a message costs the worker: messages a second, CPU, API calls, latency and memory, beside boto3 and AWS's SDK for Go.

A stub server hands out messages and counts what becomes of them; it has one core, the consumer another where there are two.
The consumers take turns, so that whatever else the machine does slows down all of them alike, and do the same: receive
ten, check and decode each, do nothing, delete. Starting up is not in the figures of a message: what the same process
costs on an empty queue is taken off. A run that loses a message, or deletes one twice, is an error.
`make bench` prepares what it needs.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from processes import Consumer, ConsumerError
from servers import CORES
from stub import Stub, StubError, check
from tables import show

ROOT = Path(__file__).resolve().parents[1]
GO_PACKAGES = Path("/usr/share/gocode")
EMPTY_RUNS = 3
STARTS = 10
SENDS = 200
IDLE_WAIT = 2
"""Seconds of a receive's wait while idle."""
IDLE_WAITS = 5
IN_FLIGHT = 1_000
BACKLOGS = (10_000, 1_000_000)
HANDLED = 100_000
"""Of a backlog; then memory is read."""
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


@dataclass
class Program:
    """How a consumer is started; it ends when the queue is empty."""

    command: list
    variables: dict
    messages: int


class Bench:
    def __init__(self, arguments, stub, folder):
        self.arguments = arguments
        self.stub = stub
        self.folder = folder
        self.worker_binary = arguments.binaries / "BenchmarkWorker"

    # Under load

    def load(self, programs):
        """Rounds in which they take turns, and what each costs on an empty queue."""
        figures = {name: [] for name in programs}
        idle = {name: [self.run(name, program, 0)[0].cpu for _ in range(EMPTY_RUNS)] for name, program in programs.items()}
        for number in range(self.arguments.rounds + 1):
            for name, program in programs.items():
                say(f"round {number} of {self.arguments.rounds}: {name}")
                usage, report = self.run(name, program, program.messages)
                if number:  # The first warms up.
                    figures[name].append(self.figures(usage, report, statistics.median(idle[name])))
        result = {}
        for name, rows in figures.items():
            result[name] = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
            result[name]["slowest"] = min(row["messages_per_second"] for row in rows)
            result[name]["fastest"] = max(row["messages_per_second"] for row in rows)
            result[name]["start_cpu_ms"] = statistics.median(idle[name]) * 1e3
            result[name]["messages"] = programs[name].messages
        return result

    def run(self, name, program, messages):
        self.stub.load(messages)
        stub_cpu = self.stub.cpu_seconds()
        with Consumer(program.command, self.stub.queue_url, self.folder, program.variables) as consumer:
            usage = consumer.wait()
        report = self.stub.report()
        check(report, name)
        if stub_cpu is not None:
            report["stubCPU"] = self.stub.cpu_seconds() - stub_cpu
        return usage, report

    @staticmethod
    def figures(usage, report, idle_cpu):
        messages = report["messages"]
        latency = report["latency"]
        seconds = (report["lastDeleteAt"] - report["firstReceiveAt"]) / 1e9
        return {
            "messages_per_second": messages / seconds,
            "stub_busy": report.get("stubCPU", 0) / seconds,
            "cpu_us_per_message": (usage.cpu - idle_cpu) / messages * 1e6,
            "calls_per_message": sum(report["requests"].values()) / messages,
            **{f"{name}_ms": latency[name] / 1e6 for name in ("p50", "p99", "p999")},
            "peak_memory": usage.peak_memory,
        }

    # The worker alone

    def worker(self, handler, *options, concurrency=256, wait=5, timeout="20s"):
        """A running worker."""
        return Consumer(
            self.worker_command(handler, *options, concurrency=concurrency, wait=wait, timeout=timeout),
            self.stub.queue_url,
            self.folder,
        )

    def worker_command(self, handler, *options, concurrency=256, wait=5, timeout="20s"):
        routes = self.folder / f"{handler}-{concurrency}-{wait}.yaml"
        routes.write_text(ROUTES.format(handler=handler, concurrency=concurrency, wait=wait, timeout=timeout))
        return [self.worker_binary, "run", "--log-level", "warning", "--routes", routes, *options]

    def idle(self):
        """On an empty queue: how often it asks, how soon it handles what comes, and how soon it asks after its start."""
        say("the worker on an idle queue")
        self.stub.load(0)
        with self.worker("latency", wait=IDLE_WAIT) as worker:
            begin = self.stub.wait_for(lambda report: report["waiting"], "the first receive")
            target = begin["requests"]["ReceiveMessage"] + IDLE_WAITS
            end = self.stub.wait_for(lambda report: report["requests"]["ReceiveMessage"] >= target, "receives", pause=0.05)
            calls = sum(end["requests"].values()) - sum(begin["requests"].values())
            seconds = (end["now"] - begin["now"]) / 1e9
            say(f"{SENDS} messages, one after another")
            for _ in range(SENDS):
                self.stub.wait_for(lambda report: report["waiting"] and not report["missing"], "the next receive")
                self.stub.send()
            self.stub.wait_for(lambda report: report["waiting"] and not report["missing"], "the last receive")
            self.stub.send('{"eventType": "REPORT"}')
            self.stub.wait_for(lambda report: not report["missing"], "the report")
            worker.stop()
            handled = json.loads(re.search(r"^\{.*\}$", worker.log(), re.M)[0])
        bare = sorted(self.stub.wake_up(SENDS))
        starts = [self.start() for _ in range(STARTS)]
        return {
            "calls_per_wait_time": calls / (seconds / IDLE_WAIT),
            "sends": handled["count"],
            "handled_p50_ms": handled["p50"] / 1e6,
            "handled_p99_ms": handled["p99"] / 1e6,
            "bare_p50_ms": statistics.median(bare) / 1e6,
            "bare_p99_ms": bare[int(len(bare) * 0.99)] / 1e6,
            "start_ms": statistics.median(starts),
            "slowest_start_ms": max(starts),
        }

    def start(self):
        """Milliseconds from starting a process to its first receive."""
        self.stub.load(0)
        with self.worker("noop") as worker:
            report = self.stub.wait_for(lambda report: report.get("firstReceiveAt"), "the first receive")
            worker.stop()
        return (report["firstReceiveAt"] - worker.spawned_at) / 1e6

    def memory(self):
        """With many in flight, and with much waiting."""
        result = {}
        say(f"the worker's memory with {IN_FLIGHT:,} in flight")
        self.stub.load(IN_FLIGHT)
        with self.worker("hold", concurrency=IN_FLIGHT, timeout="1h") as worker:
            # Each has been handed out, and those of the last receive have reached their handlers: a lease is renewed.
            self.stub.wait_for(
                lambda report: report["requests"].get("ChangeMessageVisibilityBatch", 0) >= IN_FLIGHT / 10, "renewals"
            )
            result["in_flight"], result["in_flight_peak"] = worker.memory()
        result["backlogs"] = []
        for backlog in BACKLOGS:
            say(f"the worker's memory with {backlog:,} waiting")
            self.stub.load(backlog)
            with self.worker("noop") as worker:
                target = min(backlog, HANDLED)
                self.stub.wait_for(lambda report: report["deleted"] >= target, "the messages", pause=0.05)
                now, peak = worker.memory()
            result["backlogs"].append({"backlog": backlog, "handled": target, "now": now, "peak": peak})
        return result

    # What takes part

    def programs(self, names):
        """The consumers that can run here, and why the others cannot."""
        messages = self.arguments.messages
        programs, missing = {}, {}
        if "worker" in names:
            programs["worker"] = Program(self.worker_command("noop", "--until-empty"), {}, messages)
        if "go" in names:
            try:
                programs["go"] = Program([self.build_go()], {"GOMAXPROCS": "1"}, messages)
            except ConsumerError as error:
                missing["go"] = str(error)
        if "boto3" in names:
            if importlib.util.find_spec("boto3"):
                script = ROOT / "Benchmarks/consumers/boto3_consumer.py"
                # It takes several times as long, and a quarter says as much.
                programs["boto3"] = Program([sys.executable, script], {}, max(messages // 40 * 10, 10))
            else:
                missing["boto3"] = "this Python has no boto3; `make bench` uses one that has"
        return programs, missing

    def build_go(self):
        if not shutil.which("go") or not (GO_PACKAGES / "src/github.com/aws/aws-sdk-go-v2").is_dir():
            raise ConsumerError("install golang-go and golang-github-aws-aws-sdk-go-v2-dev (Debian, Ubuntu)")
        binary = self.arguments.binaries / "go-consumer"
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOFLAGS": ""}
        build = subprocess.run(
            ["go", "build", "-o", binary, "."],
            cwd=ROOT / "Benchmarks/consumers/go",
            env=environment,
            capture_output=True,
            text=True,
        )
        if build.returncode:
            raise ConsumerError(f"its build failed: {build.stderr.strip()}")
        return binary


def say(what):
    print(what, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=60_000, help="in each run (default: %(default)s; boto3 gets a quarter)")
    parser.add_argument("--rounds", type=int, default=5, help="figures are medians of so many (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=["worker", "go", "boto3", "idle", "memory"], help="measure these alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; memory in bytes")
    parser.add_argument("--binaries", type=Path, default=ROOT / ".build-benchmarks/release", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.messages < 10 or arguments.rounds < 1:
        parser.error("--messages must be 10 at least, and --rounds 1")
    arguments.binaries = arguments.binaries.resolve()
    only = arguments.only or ["worker", "go", "boto3", "idle", "memory"]

    report = {"messages": arguments.messages, "rounds": arguments.rounds, "cores": CORES}
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, Stub(arguments.binaries / "StubServer") as stub:
            bench = Bench(arguments, stub, Path(folder))
            programs, report["missing"] = bench.programs(only)
            if programs:
                report["consumers"] = bench.load(programs)
            if "idle" in only:
                report["idle"] = bench.idle()
            if "memory" in only:
                report["memory"] = bench.memory()
    except (ConsumerError, StubError, OSError) as error:
        sys.exit(f"the benchmark failed: {error}")
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
