"""Consumers that take turns on one stub; whatever else the machine does slows down all of them alike."""

import statistics

from processes import Consumer, ConsumerError
from report import say
from stub import StubError, check

EMPTY_RUNS = 3
UNTRUSTED_SECONDS = 20.0


class Comparison:
    """Of the programs over one way to the stub: its own port, or a front that speaks TLS."""

    def __init__(self, found, stub, folder, front=None):
        self._found = found
        self._stub = stub
        self._folder = folder
        self._servers = [stub, front] if front else [stub]
        self._variables = front.variables if front else {}
        stub.set_round_trip(0)
        if front:
            for name in self._one_of_each_kind():
                self._check_that_it_verifies(name)
        say("starts on an empty queue")
        self._start_cpu = {
            found[name].kind: statistics.median(self._run(name, 0)[0].cpu for _ in range(EMPTY_RUNS))
            for name in self._one_of_each_kind()
        }

    def measure(self, round_trip, rounds, most, seconds):
        """For each program the medians of its figures."""
        self._stub.set_round_trip(round_trip)
        rows = {name: [] for name in self._found}
        for number in range(rounds):
            for name, program in self._found.items():
                say(f"round trip {round_trip} ms, round {number + 1} of {rounds}: {program.label}")
                usage, report = self._run(name, program.messages(most, seconds, round_trip))
                rows[name].append(self._cost(usage, report, self._start_cpu[program.kind]))
        return {name: self._medians(name, of_rounds) for name, of_rounds in rows.items()}

    def _medians(self, name, rows):
        result = {key: median(row[key] for row in rows) for key in rows[0]}
        rates = [row["messages_per_second"] for row in rows]
        start = self._start_cpu[self._found[name].kind]
        return result | {"label": self._found[name].label, "slowest": min(rates), "fastest": max(rates), "start_cpu_ms": start * 1e3}

    def _run(self, name, messages):
        self._stub.load(messages)
        busy = self._server_cpu()
        with self._consumer(name, self._variables) as consumer:
            try:
                usage = consumer.wait()
            except ConsumerError as error:
                raise ConsumerError(f"{name}: {error}\nThe stub says: {self._stub.report()}") from error
        report = self._stub.report()
        check(report, name)
        report["serverCPU"] = None if busy is None else self._server_cpu() - busy
        return usage, report

    def _consumer(self, name, variables):
        program = self._found[name]
        return Consumer(program.command, self._servers[-1].queue_url, self._folder, program.variables | variables)

    def _server_cpu(self):
        seconds = [server.cpu_seconds() for server in self._servers]
        return None if None in seconds else sum(seconds)

    def _one_of_each_kind(self):
        return {program.kind: name for name, program in reversed(self._found.items())}.values()

    def _check_that_it_verifies(self, name):
        """Without the benchmark's authority it must not get as far as a request: TLS without its checks costs less."""
        say(f"does it check certificates: {self._found[name].label}")
        self._stub.load(10)
        with self._consumer(name, {}) as consumer:
            consumer.wait_for_log("certificate", UNTRUSTED_SECONDS)
        if self._stub.report()["requests"]:
            raise StubError(f"{name} made requests over TLS without a certificate that it can trust")

    @staticmethod
    def _cost(usage, report, start_cpu):
        messages = report["messages"]
        latency = report["latency"]
        requests = report["requests"]
        seconds = (report["lastDeleteAt"] - report["firstReceiveAt"]) / 1e9
        return {
            "messages": messages,
            "messages_per_second": messages / seconds,
            "server_busy": report["serverCPU"] and report["serverCPU"] / seconds,
            "cpu_us_per_message": (usage.cpu - start_cpu) / messages * 1e6,
            "receives_per_message": requests.get("ReceiveMessage", 0) / messages,
            "deletes_per_message": (requests.get("DeleteMessageBatch", 0) + requests.get("DeleteMessage", 0)) / messages,
            **{f"{name}_ms": latency[name] / 1e6 for name in ("p50", "p99", "p999")},
            "peak_memory": usage.peak_memory,
        }


def median(values):
    """None where the system did not say."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
