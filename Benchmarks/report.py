"""What consumer.py says: to people who wait, and at the end."""

import sys

from goals import goals, megabytes

KINDS = {"worker": "this worker", "go": "AWS's SDK for Go", "boto3": "boto3"}


def say(what):
    """What is being done, beside the report."""
    print(what, file=sys.stderr, flush=True)


def show(report):
    place = "the stub on one core, the consumer on another" if report["cores"] else "not pinned to cores"
    print(f"\nRounds: {report['rounds']}, figures are medians; {place}. Starting up is not in a message's CPU. Latency is from the")
    print("message's handing out to its delete; both times are the stub's.")
    for setting in report["settings"]:
        show_setting(setting)
    for kind, reason in report["missing"].items():
        print(f"Without {KINDS[kind]}: {reason}.")
    if report["busy"]:
        print("\nThis worker with handlers of 50 ms and default settings, the share of slots × time in which one ran:")
        for row in report["busy"]:
            print(f"  round trip {row['round_trip']} ms: {row['share']:.1%} of {row['slots']} slots, {row['messages']:,} messages")
    if report["burst"]:
        print("\nThis worker on an empty queue into which 10,000 messages come at once, in round trips:")
        for row in report["burst"]:
            print(
                f"  {row['round_trip']} ms, concurrency {row['concurrency']:,}: full speed, {row['messages_a_trip']:,.0f} messages each, "
                f"after {row['round_trips']:.1f}; all received after {row['all_round_trips']:.1f}"
            )
    if "idle" in report:
        show_idle(report["idle"])
    if "memory" in report:
        show_memory(report["memory"])
    show_goals(list(goals(report)))


def show_setting(setting):
    print(f"\nRound trip {setting['round_trip']} ms{', over TLS' if setting['tls'] else ''}")
    consumers = setting["consumers"]
    go = consumers.get("go-16")
    columns = {
        "": lambda row: row["label"],
        "messages": lambda row: f"{row['messages']:,.0f}",
        "messages/s": lambda row: f"{row['messages_per_second']:,.0f}",
        "slowest to fastest": lambda row: f"{row['slowest']:,.0f} to {row['fastest']:,.0f}",
        "CPU µs/message": lambda row: f"{row['cpu_us_per_message']:,.1f}",
        "of Go's, 16": lambda row: f"{row['cpu_us_per_message'] / go['cpu_us_per_message']:.2f}" if go else "-",
        "receives/message": lambda row: f"{row['receives_per_message']:.3f}",
        "deletes": lambda row: f"{row['deletes_per_message']:.3f}",
        "p50": lambda row: f"{row['p50_ms']:.1f}",
        "p99 ms": lambda row: f"{row['p99_ms']:.1f}",
        "peak memory": lambda row: megabytes(row["peak_memory"]),
        "server busy": lambda row: "-" if row["server_busy"] is None else f"{row['server_busy']:.0%}",
        "start-up CPU": lambda row: f"{row['start_cpu_ms']:,.0f} ms",
    }
    table(columns, consumers.values())


def show_idle(idle):
    print("\nThis worker on an idle queue:")
    print(
        f"  from send to handler, {idle['sends']} sends: median {idle['handled_p50_ms']:.2f} ms, p99 {idle['handled_p99_ms']:.2f} ms; "
        f"a bare client's receive: {idle['bare_p50_ms']:.2f} and {idle['bare_p99_ms']:.2f}"
    )


def show_memory(memory):
    print("\nThis worker's memory, private (dirty) and resident:")
    if memory["in_flight"]["private"] is None:
        return print("  this system does not say")

    def both(sizes):
        return f"{megabytes(sizes['private'])} and {megabytes(sizes['resident'])}"

    print(f"  on an empty queue: {both(memory['idle'])}")
    print(f"  1,000 messages in flight: {both(memory['in_flight'])}")
    for row in memory["backlogs"]:
        print(f"  {row['backlog']:,} waiting, {row['handled']:,} handled: {both(row['now'])}")


def show_goals(found):
    print(f"\nGoals: {sum(goal.is_met for goal in found)} of {len(found)} are met")
    for goal in found:
        print(f"  {'met    ' if goal.is_met else 'NOT met'}  {goal.what}: {goal.found}; goal {goal.wanted}")


def table(columns, rows):
    cells = [list(columns)] + [[column(row) for column in columns.values()] for row in rows]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    for line in cells:
        print(line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:])), sep="  ")
