"""What the local queue can do: messages sent, received and deleted in batches of ten, and what one costs the server.

The server has one core, this load generator another where there are two. Every run checks that what was sent came
back and is gone; one that lost or kept a message ends with an error. `make bench-local-queue` prepares what it needs.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from connection import LoadError
from load import Load
from servers import CORES, Server, size_of, sync_time

ROOT = Path(__file__).resolve().parents[1]
GOAL = 15_000
ROUNDS = 3
"""A figure is the median of so many runs: a machine that does something else as well slows down one of them."""
WARM_UP = 2_000
MOTO_MESSAGES = 2_000
"""Enough for some seconds."""
MOTO_CONNECTIONS = 1
"""With more it is slower, and its threads give one message to two receivers."""


def measure(server, load, messages, rounds=ROUNDS):
    """The full cycle at the depth that the queue has."""
    cpu = server.cpu_seconds()
    runs = [load.cycle(messages) for _ in range(rounds)]
    rates = sorted(run.rate for run in runs)
    seconds = sum(run.seconds for run in runs)
    figures = {
        "messages_per_second": round(statistics.median_low(rates)),
        "slowest": round(rates[0]),
        "fastest": round(rates[-1]),
        "requests_per_second": round(sum(run.requests for run in runs) / seconds),
        "generator_busy": round(sum(run.generator_cpu for run in runs) / seconds, 2),
    }
    if cpu is not None:
        spent = server.cpu_seconds() - cpu
        figures["server_busy"] = round(spent / seconds, 2)
        figures["server_cpu_us_per_message"] = round(spent / (messages * rounds) * 1e6, 1)
    figures["memory_now"], figures["memory_peak"] = server.memory()
    return figures


def cycle(server, body, connections, messages, rounds=ROUNDS):
    load = Load(server.port, "bench-cycle", connections, body)
    load.cycle(min(WARM_UP, messages))
    return measure(server, load, messages, rounds)


def bench_local(arguments, report):
    # Beside the binary and not in /tmp, which may be memory, where durability costs nothing.
    with tempfile.TemporaryDirectory(dir=arguments.binary.parent, prefix="bench-") as folder:
        report["sync_ms"] = round(sync_time(folder) * 1000, 2)
        for name, options in {"local": [], "local_no_sync": ["--no-sync"]}.items():
            say(f"the local queue {' '.join(options) or 'as it is, durable'}")
            with Server.local(arguments.binary, Path(folder, name), *options) as server:
                report[name] = cycle(server, arguments.body, arguments.connections, arguments.messages)
        report["depths"] = []
        with Server.local(arguments.binary, Path(folder, "deep")) as server:
            load = Load(server.port, "bench-deep", arguments.connections, arguments.body)
            load.cycle(min(WARM_UP, arguments.messages))
            for depth in arguments.depth:
                fill(load, depth)
                figures = measure(server, load, arguments.messages)
                report["depths"].append({"depth": depth, **figures, "disk": size_of(Path(folder, "deep"))})


def fill(load, depth):
    say(f"the queue {depth:,} deep")
    missing, start = depth - load.depth(), time.perf_counter()

    def progress(sent):
        rate = sent / (time.perf_counter() - start)
        print(f"\r  filled {sent:,} of {missing:,}, {rate:,.0f} a second ", end="", file=sys.stderr, flush=True)

    if missing > 0:
        load.fill(missing, progress)
        print(file=sys.stderr)


def bench_moto(arguments, report):
    say("moto's server")
    with Server.moto() as server:
        messages = min(arguments.messages, MOTO_MESSAGES)
        report["moto"] = cycle(server, arguments.body, MOTO_CONNECTIONS, messages, rounds=1)


def say(what):
    print(f"measuring {what}", file=sys.stderr, flush=True)


# The tables

COLUMNS = {
    "messages/s": lambda row: f"{row['messages_per_second']:,}",
    "slowest to fastest": lambda row: f"{row['slowest']:,} to {row['fastest']:,}",
    "requests/s": lambda row: f"{row['requests_per_second']:,}",
    "CPU µs/message": lambda row: number(row.get("server_cpu_us_per_message")),
    "server busy": lambda row: percent(row.get("server_busy")),
    "generator busy": lambda row: percent(row["generator_busy"]),
    "memory MB": lambda row: megabytes(row["memory_now"]),
    "peak MB": lambda row: megabytes(row["memory_peak"]),
}


def number(value):
    return "?" if value is None else f"{value:,}"


def percent(value):
    return "?" if value is None else f"{value:.0%}"


def megabytes(value):
    return "?" if value is None else f"{value / 1e6:,.0f}"


def table(title, rows, columns):
    """Lines of a table; `rows` are pairs of a name and figures."""
    cells = [[title, *columns], *([name, *(show(row) for show in columns.values())] for name, row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for line in cells:
        yield line[0].ljust(widths[0]) + "".join(cell.rjust(width + 2) for cell, width in zip(line[1:], widths[1:]))


def show(report, arguments):
    place = "server on core {}, load generator on core {}".format(*CORES) if CORES else "not pinned to cores"
    print(f"{platform.system()} {platform.machine()}, {place}; {arguments.connections} connections", end="; ")
    print(f"bodies of {len(arguments.body)} bytes", end="")
    print(f"; a sync of this disk takes {report['sync_ms']} ms" if "sync_ms" in report else "")
    names = {"local": "durable", "local_no_sync": "--no-sync", "moto": f"moto, {MOTO_CONNECTIONS} connection"}
    cycles = [(name, report[key]) for key, name in names.items() if key in report]
    print()
    print(*table("full cycle", cycles, COLUMNS), sep="\n")
    if report.get("depths"):
        rows = [(f"{row['depth']:,}", row) for row in report["depths"]]
        print()
        print(*table("durable, deep", rows, {**COLUMNS, "disk MB": lambda row: megabytes(row["disk"])}), sep="\n")
        first, last = rows[0][1], rows[-1][1]
        share = last["messages_per_second"] / first["messages_per_second"]
        print(f"\nAt a depth of {last['depth']:,} it does {share:.0%} of what it does at {first['depth']:,}.")
    if "local" in report:
        rate = report["local"]["messages_per_second"]
        print(f"Goal on one core: {GOAL:,} messages/s, durable; {'met' if rate >= GOAL else 'NOT met'}: {rate:,}.")
    if "ratio_to_moto" in report:
        print(f"The local queue does {report['ratio_to_moto']:,} times what moto does.")
    if any(row["generator_busy"] > 0.9 for _, row in cycles):
        print("The load generator was busy throughout: the server may be faster than it says here.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=60_000, help=f"in each of {ROUNDS} runs (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="default: %(default)s")
    parser.add_argument(
        "--depth",
        type=int,
        nargs="*",
        default=[0, 10_000, 100_000, 1_000_000],
        help="depths of the queue to measure at, ascending (default: 0 to 1,000,000)",
    )
    parser.add_argument("--only", choices=["local", "moto"], help="measure one of the servers alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; memory and disk in bytes")
    parser.add_argument("--binary", type=Path, default=ROOT / ".build-release/release/worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.messages < 10 or arguments.messages % 10 or any(depth % 10 for depth in arguments.depth):
        parser.error("--messages and --depth are in tens: that is how messages are sent")
    arguments.binary = arguments.binary.resolve()
    arguments.body = (ROOT / "Examples/item-awarded.json").read_text().strip()

    report = {"connections": arguments.connections, "messages": arguments.messages, "cores": CORES}
    try:
        if arguments.only != "moto":
            bench_local(arguments, report)
        if arguments.only != "local":
            bench_moto(arguments, report)
    except (LoadError, OSError) as error:
        sys.exit(f"the benchmark failed: {error}")
    if "local" in report and "moto" in report:
        ratio = report["local"]["messages_per_second"] / report["moto"]["messages_per_second"]
        report["ratio_to_moto"] = round(ratio, 1)
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report, arguments)


if __name__ == "__main__":
    main()
