"""What consumer.py says: to people who wait, and at the end."""

import sys

GOALS = {
    "cpu": 0.25,
    "calls": 0.2,
    "handled_ms": 2.0,
    "start_ms": 50.0,
    "in_flight": 40_000_000,
    "backlog": 1.1,
}
NAMES = {"worker": "this worker", "go": "Go, aws-sdk-go-v2", "boto3": "Python, boto3 threads"}


def say(what):
    """What is being done, beside the report."""
    print(what, file=sys.stderr, flush=True)


def show(report):
    place = "the stub on one core, the consumer on another" if report["cores"] else "not pinned to cores"
    print(f"\n{report['messages']:,} messages a run (boto3: a quarter), medians of {report['rounds']} runs; {place}.")
    if report.get("consumers"):
        show_consumers(report["consumers"])
    for name, reason in report["missing"].items():
        print(f"Without {NAMES[name]}: {reason}.")
    if "idle" in report:
        show_idle(report["idle"])
    if "memory" in report:
        show_memory(report["memory"])


def show_consumers(consumers):
    go = consumers.get("go")
    columns = {
        "": lambda name, row: NAMES[name],
        "messages/s": lambda name, row: f"{row['messages_per_second']:,.0f}",
        "slowest to fastest": lambda name, row: f"{row['slowest']:,.0f} to {row['fastest']:,.0f}",
        "CPU µs/message": lambda name, row: f"{row['cpu_us_per_message']:,.1f}",
        "of Go's": lambda name, row: f"{row['cpu_us_per_message'] / go['cpu_us_per_message']:.2f}" if go else "-",
        "API calls/message": lambda name, row: f"{row['calls_per_message']:.3f}",
        "p50": lambda name, row: f"{row['p50_ms']:.1f}",
        "p99": lambda name, row: f"{row['p99_ms']:.1f}",
        "p99.9 ms": lambda name, row: f"{row['p999_ms']:.1f}",
        "peak memory": lambda name, row: megabytes(row["peak_memory"]),
        "stub busy": lambda name, row: "-" if row["stub_busy"] is None else f"{row['stub_busy']:.0%}",
        "start-up CPU": lambda name, row: f"{row['start_cpu_ms']:,.0f} ms",
    }
    table(columns, consumers)
    print("\nStarting up is not in a message's CPU. Latency is from the message's handing out to its delete.")
    worker = consumers.get("worker")
    if worker:
        goal(
            "API calls a message",
            f"{worker['calls_per_message']:.3f}",
            GOALS["calls"],
            worker["calls_per_message"] < GOALS["calls"] + 0.005,
        )
    if worker and go:
        ratio = worker["cpu_us_per_message"] / go["cpu_us_per_message"]
        goal("CPU a message, of Go's", f"{ratio:.2f}", GOALS["cpu"], ratio <= GOALS["cpu"])


def show_idle(idle):
    print("\nThis worker on an idle queue:")
    goal(
        "API calls in the time of a receive's wait", f"{idle['calls_per_wait_time']:.2f}", 1, idle["calls_per_wait_time"] < 1.1
    )
    behind = idle["handled_p50_ms"] - idle["bare_p50_ms"]
    print(
        f"  from send to handler, {idle['sends']} sends: median {idle['handled_p50_ms']:.2f} ms, p99 {idle['handled_p99_ms']:.2f} ms; "
        f"a bare client's receive: {idle['bare_p50_ms']:.2f} and {idle['bare_p99_ms']:.2f}"
    )
    goal("ms behind the bare client, median", f"{behind:.2f}", GOALS["handled_ms"], behind <= GOALS["handled_ms"])
    goal(
        f"ms from start to first receive (slowest {idle['slowest_start_ms']:.0f})",
        f"{idle['start_ms']:.0f}",
        GOALS["start_ms"],
        idle["start_ms"] < GOALS["start_ms"],
    )


def show_memory(memory):
    print("\nThis worker's memory:")
    if memory["in_flight"] is None:
        return print("  this system does not say")
    print(f"  on an empty queue: {megabytes(memory['idle'])}")
    goal(
        f"1,000 messages in flight (peak {megabytes(memory['in_flight_peak'])})",
        megabytes(memory["in_flight"]),
        megabytes(GOALS["in_flight"]),
        memory["in_flight"] < GOALS["in_flight"],
    )
    for row in memory["backlogs"]:
        print(
            f"  {row['backlog']:,} waiting, {row['handled']:,} handled: {megabytes(row['now'])}, peak {megabytes(row['peak'])}"
        )
    growth = memory["backlogs"][-1]["now"] / memory["backlogs"][0]["now"]
    goal("the last as a multiple of the first", f"{growth:.2f}", GOALS["backlog"], growth <= GOALS["backlog"])


def table(columns, rows):
    cells = [list(columns)] + [[column(name, row) for column in columns.values()] for name, row in rows.items()]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    print()
    for line in cells:
        print(line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:])), sep="  ")


def goal(what, found, wanted, is_met):
    print(f"  {what}: {found}; goal {wanted}: {'met' if is_met else 'NOT met'}")


def megabytes(size):
    return "-" if size is None else f"{size / 1e6:,.1f} MB"
