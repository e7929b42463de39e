"""What a handler in another language costs the worker, beside one that does nothing: CPU a message and messages a second.

The stub server hands out messages. A bare server beside it takes what `http.post` posts, and a process that answers at once takes
what `process.run` hands over. The server's CPU is not in the figures, the process's is: the system counts it with the worker's. The
handlers take turns, so that whatever else the machine does slows down all of them alike. Starting up is not in the figures.
`make bench-handlers` prepares what it needs.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from comparison import Comparison
from processes import ConsumerError
from programs import Program
from servers import Server
from stub import Stub, StubError

ROOT = Path(__file__).resolve().parents[1]
GOAL = 2.5
"""CPU of `http.post`, as a multiple of the no-op's."""
PROGRAM = ROOT / "Benchmarks/event_answerer.py"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def programs(arguments, folder, receiver):
    """The same worker with a routes file for each handler; JSON is YAML."""
    post = {"url": f"http://127.0.0.1:{receiver.port}/", "privateNetwork": True}
    handlers = {
        "no-op": ("bench.noop", {}),
        "http.post": ("http.post", {"with": post}),
        "http.post, signed": ("http.post", {"with": {**post, "secrets": [SECRET]}}),
        "process.run": (
            "process.run",
            {"with": {"command": [sys.executable, str(PROGRAM)], "concurrency": arguments.concurrency}},
        ),
    }
    queue = {"url": "${AWS_SQS_QUEUE_URL}", "maxMessages": 10, "waitTime": "1s", "concurrency": arguments.concurrency}
    found = {}
    for number, (name, (handler, options)) in enumerate(handlers.items()):
        path = folder / f"routes-{number}.yaml"
        routes = {"ITEM_AWARDED": {"handler": handler, **options}}
        path.write_text(json.dumps({"version": 1, "queues": {"bench": queue}, "routes": routes}))
        worker = [arguments.binaries / "BenchmarkWorker", "run", "--until-empty", "--log-level", "warning", "--routes", path]
        found[name] = Program(name, name, worker, arguments.concurrency, 1)
    return found


def measure(arguments):
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        Stub(arguments.binaries / "StubServer") as stub,
        Server([sys.executable, str(ROOT / "Benchmarks/webhook_receiver.py")]) as receiver,
    ):
        folder = Path(name)
        comparison = Comparison(programs(arguments, folder, receiver), stub, folder)
        return comparison.measure(0, arguments.rounds, arguments.messages, 0)


def show(figures, arguments):
    bare = figures["no-op"]["cpu_us_per_message"]
    print(f"{arguments.messages:,} messages a run, medians of {arguments.rounds} runs, {arguments.concurrency} at once\n")
    print(f"{'handler':20}{'messages/s':>12}{'CPU µs/message':>16}{'of the no-op':>14}")
    for name, row in figures.items():
        cpu = row["cpu_us_per_message"]
        print(f"{name:20}{row['messages_per_second']:12,.0f}{cpu:16,.1f}{cpu / bare:14.2f}")
    ratio = figures["http.post"]["cpu_us_per_message"] / bare
    print(f"\n  CPU of http.post, of the no-op's: {ratio:.2f}; goal {GOAL}: {'met' if ratio <= GOAL else 'NOT met'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="in each run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="figures are medians of so many (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=16, help="handlers at once (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--binaries", type=Path, default=ROOT / ".build-benchmarks/release", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.binaries = arguments.binaries.resolve()
    try:
        figures = measure(arguments)
    except (ConsumerError, StubError, OSError) as error:
        sys.exit(f"the benchmark failed: {error}")
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures, arguments)


if __name__ == "__main__":
    main()
