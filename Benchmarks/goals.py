"""What the worker is to reach, and whether a report says that it does. Nearly all are ratios within one run."""

from dataclasses import dataclass

OF_GO = {("worker-160", "go-16"): 2.5, ("worker-1000", "go-100"): 1.2}
"""Messages a second with as many in flight, at 20 ms."""
DEFAULT_RATE = 1_800
"""Messages a second with default settings at 20 ms: round trips bound it, not this machine."""
CPU = (0.40, 0.50)
"""Of Go's with 16 pollers, at most: the aim, and what is asked for."""
CALLS = {"worker": (0.2, 0.1), "worker-160": (0.1, 0.1), "worker-1000": (0.1, 0.1)}
"""Receives and deletes a message, of five messages a receive by default and of ten."""
BUSY = {20: 0.95, 100: 0.85}
RAMP_UP = (10, 160)
"""Round trips to full speed, at most; and messages in each then, at least: what is slow for ever is soon at its full speed."""
HANDLED_MS = 2.0
START_MS = 50.0
RESTING = 8_000_000
IN_FLIGHT = 18_000_000
"""Bytes of private memory; with 1,000 messages in flight."""
BACKLOG = 1.1
NOISE = 0.05
"""Two runs of the same may differ by so much."""


@dataclass
class Goal:
    what: str
    found: str
    wanted: str
    is_met: bool


def goals(report):
    for setting in report["settings"]:
        yield from _of_setting(setting)
    for row in report["busy"]:
        if row["round_trip"] in BUSY:
            wanted = BUSY[row["round_trip"]]
            what = f"handlers of 50 ms, default settings, {row['round_trip']} ms: share of slots × time in use"
            yield Goal(what, f"{row['share']:.1%}", f"{wanted:.0%}", row["share"] >= wanted)
    for row in report["burst"]:
        what = f"{row['round_trip']} ms, concurrency {row['concurrency']:,}: round trips from a burst to full speed, and messages in each"
        found = (row["round_trips"], row["messages_a_trip"])
        is_met = found[0] <= RAMP_UP[0] and found[1] >= RAMP_UP[1]
        yield Goal(what, f"{found[0]:.1f} {found[1]:,.0f}", f"{RAMP_UP[0]} {RAMP_UP[1]}", is_met)
    if "idle" in report:
        yield from _of_idle(report["idle"])
    if report.get("memory", {}).get("in_flight"):
        yield from _of_memory(report["memory"])


def _of_setting(setting):
    consumers, round_trip = setting["consumers"], setting["round_trip"]
    where = f"{round_trip} ms{', TLS' if setting['tls'] else ''}"
    rate = {name: row["messages_per_second"] for name, row in consumers.items()}
    if round_trip == 20:
        for (ours, theirs), wanted in OF_GO.items():
            if ours in rate and theirs in rate:
                ratio = rate[ours] / rate[theirs]
                what = f"{where}: messages/s, {consumers[ours]['label']}, as a multiple of those of {consumers[theirs]['label']}"
                yield Goal(what, f"{ratio:.2f}", f"{wanted}", ratio >= wanted)
        if "worker" in rate:
            found = rate["worker"]
            yield Goal(f"{where}: messages/s with default settings", f"{found:,.0f}", f"{DEFAULT_RATE:,}", found >= DEFAULT_RATE)
    steps = [rate[name] for name in ("worker", "worker-160", "worker-1000") if name in rate]
    if round_trip and len(steps) > 1:
        least = min(after / before for before, after in zip(steps, steps[1:]))
        what = f"{where}: messages/s with more concurrency, as a multiple of those with less"
        yield Goal(what, f"{least:.2f}", "1", least >= 1 - NOISE)
    if "worker-160" in consumers and "go-16" in consumers:
        ratio = consumers["worker-160"]["cpu_us_per_message"] / consumers["go-16"]["cpu_us_per_message"]
        what = f"{where}: CPU a message, concurrency 160, of Go's with 16 pollers (at most {CPU[1]:.2f}: {'met' if ratio <= CPU[1] else 'NOT met'})"
        yield Goal(what, f"{ratio:.2f}", f"{CPU[0]:.2f}", ratio <= CPU[0])
    for name, wanted in CALLS.items():
        if name in consumers:
            calls = [consumers[name][f"{which}_per_message"] for which in ("receives", "deletes")]
            is_met = all(found < most * (1 + NOISE) for found, most in zip(calls, wanted))
            what = f"{where}: receives and deletes a message, {consumers[name]['label']}"
            yield Goal(what, " ".join(f"{found:.3f}" for found in calls), " ".join(map(str, wanted)), is_met)


def _of_idle(idle):
    calls, behind, start = idle["calls_per_wait_time"], idle["handled_p50_ms"] - idle["bare_p50_ms"], idle["start_ms"]
    yield Goal("idle queue: API calls in the time of a receive's wait", f"{calls:.2f}", "1", calls < 1.1)
    what = "idle queue: ms from send to handler behind a bare client's receive, median"
    yield Goal(what, f"{behind:.2f}", f"{HANDLED_MS}", behind <= HANDLED_MS)
    what = f"ms from start to first receive (slowest {idle['slowest_start_ms']:.0f})"
    yield Goal(what, f"{start:.0f}", f"{START_MS:.0f}", start < START_MS)


def _of_memory(memory):
    for key, wanted, what in (("idle", RESTING, "at rest"), ("in_flight", IN_FLIGHT, "with 1,000 messages in flight")):
        private = memory[key]["private"]
        yield Goal(f"private memory {what}", megabytes(private), megabytes(wanted), private <= wanted)
    growth = memory["backlogs"][-1]["now"]["resident"] / memory["backlogs"][0]["now"]["resident"]
    yield Goal("resident memory, a million waiting, of that with 10,000", f"{growth:.2f}", f"{BACKLOG}", growth <= BACKLOG)


def megabytes(size):
    return "-" if size is None else f"{size / 1e6:,.1f} MB"
