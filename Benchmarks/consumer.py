"""What a message costs the worker: messages a second, CPU, API calls, latency and memory, beside AWS's SDK for Go and boto3.

A stub server hands out messages, holds its answers back as a network would, and counts what becomes of the messages; it has
one core, the consumer another where there are two. The consumers take turns, so that whatever else the machine does slows
down all of them alike, and do the same: receive, check and decode each, do nothing, delete. Starting up is not in the figures of
a message: what the same process costs on an empty queue is taken off. A run that loses a message, or deletes one twice, is an
error. `make bench` prepares what it needs.
"""

import argparse
import contextlib
import json
import resource
import sys
import tempfile
from pathlib import Path

from comparison import Comparison
from processes import ConsumerError
from programs import DEFAULT_CONCURRENCY, programs
from report import show
from servers import CORES
from stub import Stub, StubError
from tls import TLSFront
from worker_alone import WorkerAlone

ROOT = Path(__file__).resolve().parents[1]
PARTS = ["worker", "go", "boto3", "busy", "burst", "idle", "memory"]


def measure(arguments, folder):
    report = {"rounds": arguments.rounds, "cores": CORES, "settings": [], "busy": [], "burst": []}
    with contextlib.ExitStack() as stack:
        stub = stack.enter_context(Stub(arguments.binaries / "StubServer"))
        found, report["missing"] = programs(arguments.only, arguments.binaries, folder)
        fronts = [None, stack.enter_context(TLSFront(stub.port, folder))] if arguments.tls else [None]
        for front in fronts if found else []:
            comparison = Comparison(found, stub, folder, front)
            for round_trip in arguments.round_trip:
                rows = comparison.measure(round_trip, arguments.rounds, arguments.messages, arguments.seconds)
                report["settings"].append({"round_trip": round_trip, "tls": bool(front), "consumers": rows})
        alone = WorkerAlone(arguments.binaries, stub, folder)
        if "busy" in arguments.only:
            for round_trip in arguments.round_trip:
                row = alone.utilization(round_trip, None, DEFAULT_CONCURRENCY, arguments.seconds)
                report["busy"].append({"round_trip": round_trip, **row})
        if "burst" in arguments.only:
            trips = [trip for trip in arguments.round_trip if trip]
            report["burst"] = [alone.ramp_up(trip, concurrency) for trip in trips for concurrency in (160, 1_000)]
        if "idle" in arguments.only:
            report["idle"] = alone.idle()
        if "memory" in arguments.only:
            report["memory"] = alone.memory()
    return report


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--round-trip", nargs="+", type=int, metavar="MS", help="of each request (default: 0 20 100)")
    parser.add_argument("--tls", action="store_true", help="compare over TLS as well, with nginx in front of the stub")
    parser.add_argument("--quick", action="store_true", help="one round of shorter runs, without boto3 and memory: a first look")
    parser.add_argument("--messages", type=int, help="in each run at most (default: 60000)")
    parser.add_argument("--seconds", type=float, help="that a run takes, about, where there is a round trip (default: 5)")
    parser.add_argument("--rounds", type=int, help="figures are medians of so many (default: 3)")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure these alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; memory in bytes")
    parser.add_argument("--binaries", type=Path, default=ROOT / ".build-benchmarks/release", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    defaults = {"round_trip": [0, 20, 100], "messages": 60_000, "seconds": 5, "rounds": 3, "only": PARTS}
    if arguments.quick:
        only = [part for part in PARTS if part not in ("boto3", "memory")]
        defaults |= {"round_trip": [0, 20], "messages": 40_000, "seconds": 3, "rounds": 1, "only": only}
    for name, value in defaults.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    if arguments.messages < 10 or arguments.rounds < 1 or arguments.seconds <= 0 or min(arguments.round_trip) < 0:
        parser.error("--messages must be 10 at least, --rounds 1, --seconds above 0 and --round-trip 0 or more")
    arguments.binaries = arguments.binaries.resolve()
    for binary in ("StubServer", "BenchmarkWorker"):
        if not (arguments.binaries / binary).exists():
            sys.exit(f"{arguments.binaries / binary} is not there; `make bench` builds it")
    return arguments


def main():
    arguments = parse()
    # What starts from here inherits it: a server has a connection for each answer that it holds back.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            report = measure(arguments, Path(folder))
    except (ConsumerError, StubError, OSError) as error:
        sys.exit(f"the benchmark failed: {error}")
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)


if __name__ == "__main__":
    main()
