"""What the worker does on an idle queue, and the memory that it takes."""

import bisect
import json
import re
import statistics

from processes import Consumer
from programs import worker_command
from report import say

STARTS = 10
SENDS = 200
IDLE_WAIT = 2
"""Seconds of a receive's wait while idle."""
IDLE_WAITS = 5
IN_FLIGHT = 1_000
HANDLER_TIME = 0.05
"""Seconds that the handler `sleep` waits."""
BURST = 10_000
FULL_SPEED = 0.8
"""What counts as full: a share of the mean."""
BACKLOGS = (10_000, 1_000_000)
HANDLED = 100_000
"""Of a backlog; then memory is read."""


class WorkerAlone:
    def __init__(self, binaries, stub, folder):
        self._binaries = binaries
        self._stub = stub
        self._folder = folder

    def idle(self):
        """On an empty queue: how often it asks, how soon it handles what comes, and how soon it asks after its start."""
        say("the worker on an idle queue")
        self._stub.set_round_trip(0)
        self._stub.load(0)
        with self._start("latency", wait=IDLE_WAIT) as worker:
            calls = self._idle_calls(worker)
            say(f"{SENDS} messages, one after another")
            for _ in range(SENDS):
                self._send(worker)
            self._send(worker, '{"eventType": "REPORT"}')
            self._until_idle(worker)
            worker.stop()
            handled = self._handler_report(worker)["latency"]
        bare = sorted(self._stub.wake_up(SENDS))
        say(f"{STARTS} starts")
        starts = [self._time_start() for _ in range(STARTS)]
        return {
            "calls_per_wait_time": calls,
            "sends": handled["count"],
            "handled_p50_ms": handled["p50"] / 1e6,
            "handled_p99_ms": handled["p99"] / 1e6,
            "bare_p50_ms": statistics.median(bare) / 1e6,
            "bare_p99_ms": bare[int(len(bare) * 0.99)] / 1e6,
            "start_ms": statistics.median(starts),
            "slowest_start_ms": max(starts),
        }

    def utilization(self, round_trip, concurrency, slots, seconds):
        """The share of slots × time in which a handler ran, while each message's takes 50 ms and there are messages enough."""
        say(f"round trip {round_trip} ms: handlers of 50 ms, {slots} slots")
        messages = int(slots * seconds / HANDLER_TIME)
        self._stub.set_round_trip(round_trip)
        self._stub.load(messages)
        with self._start("sleep", concurrency=concurrency) as worker:
            self._until(worker, lambda report: report["deleted"] == messages, "the messages", pause=0.05)
            self._send(worker, '{"eventType": "REPORT"}')
            self._until_idle(worker)
            worker.stop()
            busy = self._handler_report(worker)["busy"]
        return {"slots": slots, "messages": messages, "share": busy["time"] / (busy["lastEnd"] - busy["firstBegin"]) / slots}

    def ramp_up(self, round_trip, concurrency):
        """How many round trips pass from a burst on an empty queue until messages are handed out at full speed.

        Speed is the messages of the last two round trips: receives that came together look like a wave and a pause
        otherwise. Full speed is the mean of the burst's second half, but for its end.
        """
        say(f"round trip {round_trip} ms: a burst of {BURST:,}, concurrency {concurrency:,}")
        self._stub.set_round_trip(round_trip)
        self._stub.load(0)
        with self._start("noop", concurrency=concurrency) as worker:
            self._until_idle(worker)
            self._stub.burst(BURST)
            self._until(worker, lambda report: report["deleted"] == BURST, "the messages", pause=0.05)
        trip = round_trip / 1e3
        handed_out = self._stub.handed_out()
        begin, end = BURST // 2, BURST * 9 // 10
        full = (end - begin) / (handed_out[end] - handed_out[begin]) * trip
        counts = (number + 1 - bisect.bisect_left(handed_out, at - 2 * trip) for number, at in enumerate(handed_out))
        first = next(at for at, count in zip(handed_out, counts) if count >= FULL_SPEED * 2 * full)
        return {
            "round_trip": round_trip,
            "concurrency": concurrency,
            "round_trips": first / trip,
            "messages_a_trip": full,
            "all_round_trips": handed_out[-1] / trip,
        }

    def memory(self):
        """On an empty queue, with many in flight, and with many waiting."""
        self._stub.set_round_trip(0)
        say("the worker's memory on an empty queue")
        self._stub.load(0)
        with self._start("noop") as worker:
            self._until_idle(worker)
            result = {"idle": worker.memory()}
        say(f"the worker's memory with {IN_FLIGHT:,} in flight; renewing their leases takes it half a minute")
        self._stub.load(IN_FLIGHT)
        with self._start("hold", concurrency=IN_FLIGHT, timeout="1h") as worker:
            # Then all are with their handlers, and it has been through all that it does for a message in flight.
            name, batches = "ChangeMessageVisibilityBatch", IN_FLIGHT / 10
            self._until(worker, lambda report: report["requests"].get(name, 0) >= batches, "renewals", pause=0.05)
            result["in_flight"] = worker.memory()
        result["backlogs"] = [self._backlog(backlog) for backlog in BACKLOGS]
        return result

    def _backlog(self, backlog):
        say(f"the worker's memory with {backlog:,} waiting")
        self._stub.load(backlog)
        handled = min(backlog, HANDLED)
        with self._start("noop") as worker:
            self._until(worker, lambda report: report["deleted"] >= handled, "the messages", pause=0.05)
            return {"backlog": backlog, "handled": handled, "now": worker.memory()}

    def _idle_calls(self, worker):
        """In the time that a receive waits."""
        begin = self._until_idle(worker)
        target = begin["requests"]["ReceiveMessage"] + IDLE_WAITS
        end = self._until(worker, lambda report: report["requests"]["ReceiveMessage"] >= target, "a receive", pause=0.05)
        calls = sum(end["requests"].values()) - sum(begin["requests"].values())
        return calls / ((end["now"] - begin["now"]) / 1e9 / IDLE_WAIT)

    @staticmethod
    def _handler_report(worker):
        return json.loads(re.search(r"^\{.*\}$", worker.log(), re.MULTILINE)[0])

    def _send(self, worker, *event):
        self._until_idle(worker)
        self._stub.send(*event)

    def _time_start(self):
        """Milliseconds from starting a process to its first receive."""
        self._stub.load(0)
        with self._start("noop") as worker:
            report = self._until(worker, lambda report: report.get("firstReceiveAt"), "a receive")
            worker.stop()
        return (report["firstReceiveAt"] - worker.spawned_at) / 1e6

    def _start(self, handler, **routes):
        command = worker_command(self._binaries, self._folder, handler, **routes)
        return Consumer(command, self._stub.queue_url, self._folder)

    def _until_idle(self, worker):
        """A receive waits, and every message is deleted."""
        return self._until(worker, lambda report: report["waiting"] and not report["missing"], "an idle worker")

    def _until(self, worker, condition, what, **options):
        return self._stub.wait_for(lambda report: condition(report) or worker.check(), what, **options)
