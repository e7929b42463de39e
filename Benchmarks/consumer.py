"""What a message costs the worker: messages a second, CPU, API calls, latency and memory, beside boto3 and AWS's SDK for Go.

A stub server hands out messages and counts what becomes of them; it has one core, the consumer another where there are two.
The consumers take turns, so that whatever else the machine does slows down all of them alike, and do the same: receive
ten, check and decode each, do nothing, delete. Starting up is not in the figures of a message: what the same process
costs on an empty queue is taken off. A run that loses a message, or deletes one twice, is an error.
`make bench` prepares what it needs.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from processes import Consumer, ConsumerError
from programs import programs
from report import say, show
from servers import CORES
from stub import Stub, StubError, check
from worker_alone import WorkerAlone

ROOT = Path(__file__).resolve().parents[1]
EMPTY_RUNS = 3


def compare(found, stub, rounds, folder):
    """Rounds in which the programs take turns; figures are medians."""
    say("starts on an empty queue")
    idle = {name: [run(name, program, stub, 0, folder)[0].cpu for _ in range(EMPTY_RUNS)] for name, program in found.items()}
    figures = {name: [] for name in found}
    for number in range(rounds + 1):
        for name, program in found.items():
            say(f"round {number} of {rounds}: {name}")
            usage, report = run(name, program, stub, program.messages, folder)
            if number:  # The first warms up.
                figures[name].append(cost(usage, report, statistics.median(idle[name])))
    result = {}
    for name, rows in figures.items():
        result[name] = {key: median(row[key] for row in rows) for key in rows[0]}
        result[name]["slowest"] = min(row["messages_per_second"] for row in rows)
        result[name]["fastest"] = max(row["messages_per_second"] for row in rows)
        result[name]["start_cpu_ms"] = statistics.median(idle[name]) * 1e3
        result[name]["messages"] = found[name].messages
    return result


def median(values):
    """None where the system did not say."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def run(name, program, stub, messages, folder):
    stub.load(messages)
    stub_cpu = stub.cpu_seconds()
    with Consumer(program.command, stub.queue_url, folder, program.variables) as consumer:
        try:
            usage = consumer.wait()
        except ConsumerError as error:
            raise ConsumerError(f"{name}: {error}\nThe stub says: {stub.report()}") from error
    report = stub.report()
    check(report, name)
    report["stubCPU"] = None if stub_cpu is None else stub.cpu_seconds() - stub_cpu
    return usage, report


def cost(usage, report, idle_cpu):
    messages = report["messages"]
    latency = report["latency"]
    seconds = (report["lastDeleteAt"] - report["firstReceiveAt"]) / 1e9
    return {
        "messages_per_second": messages / seconds,
        "stub_busy": report["stubCPU"] and report["stubCPU"] / seconds,
        "cpu_us_per_message": (usage.cpu - idle_cpu) / messages * 1e6,
        "calls_per_message": sum(report["requests"].values()) / messages,
        **{f"{name}_ms": latency[name] / 1e6 for name in ("p50", "p99", "p999")},
        "peak_memory": usage.peak_memory,
    }


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
    for binary in ("StubServer", "BenchmarkWorker"):
        if not (arguments.binaries / binary).exists():
            sys.exit(f"{arguments.binaries / binary} is not there; `make bench` builds it")
    only = arguments.only or ["worker", "go", "boto3", "idle", "memory"]

    report = {"messages": arguments.messages, "rounds": arguments.rounds, "cores": CORES}
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, Stub(arguments.binaries / "StubServer") as stub:
            folder = Path(folder)
            found, report["missing"] = programs(only, arguments.messages, arguments.binaries, folder)
            if found:
                report["consumers"] = compare(found, stub, arguments.rounds, folder)
            alone = WorkerAlone(arguments.binaries, stub, folder)
            if "idle" in only:
                report["idle"] = alone.idle()
            if "memory" in only:
                report["memory"] = alone.memory()
    except (ConsumerError, StubError, OSError) as error:
        sys.exit(f"the benchmark failed: {error}")
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
