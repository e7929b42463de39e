"""The stub server, and what it is told and asked. Times are nanoseconds of the machine's uptime, as `time.monotonic_ns` has them."""

import http.client
import json
import socket
import time
from pathlib import Path

from servers import CORES, Server, pin

EXAMPLE = Path(__file__).resolve().parents[1] / "Examples/item-awarded.json"
EVENT = json.dumps(json.loads(EXAMPLE.read_text()))
"""As a bot sends it: on one line."""


class StubError(Exception):
    """A message was lost, or something else than the consumer's work was measured."""


class Stub(Server):
    """On a core of its own where there are two; whoever measures shares it, and is idle while a consumer works."""

    def __init__(self, binary):
        super().__init__([str(binary)])
        pin(CORES and CORES[0])
        self._control = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    @property
    def queue_url(self):
        return f"http://127.0.0.1:{self.port}/000000000000/bench"

    def load(self, messages):
        """Begins anew, when the stub has seen that the last consumer is gone."""
        self.wait_for(lambda report: not report["waiting"], "the end of the last consumer's receive")
        self._ask("POST", f"/load?{messages}", EVENT)

    def set_round_trip(self, milliseconds):
        """Every later answer to a consumer is held back for so long, as by a network."""
        self._ask("POST", f"/round-trip?{milliseconds}")

    def report(self):
        return self._ask("GET", "/report")

    def send(self, event=EVENT):
        """To a receive that waits."""
        self._ask("POST", "/send", event)

    def burst(self, messages):
        """Puts them into the queue at once."""
        self._ask("POST", f"/burst?{messages}")

    def handed_out(self):
        """When each message was handed out, in seconds after the burst."""
        return [at / 1e9 for at in self._ask("GET", "/handed-out")]

    def wait_for(self, condition, what, deadline=60.0, pause=0.005):
        """Asks for the report until it is so; returns it."""
        end = time.monotonic() + deadline
        while not condition(report := self.report()):
            if time.monotonic() > end:
                raise StubError(f"{what} did not come in {deadline:g} s: {report}")
            time.sleep(pause)
        return report

    def wake_up(self, times):
        """Nanoseconds from a message's sending to the end of a bare client's receive, on the consumers' core."""
        took = []
        body = json.dumps({"MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}).encode()
        receive = _request("/", body, "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n")
        with self._connect() as poll, self._connect() as control:
            for _ in range(times):
                poll.sendall(receive)
                self.wait_for(lambda report: report["waiting"], "the receive")
                pin(CORES and CORES[1])
                control.sendall(_request("/send", EVENT.encode()))
                answer = poll.recv(1 << 16)
                now = time.monotonic_ns()
                control.recv(1 << 16)
                pin(CORES and CORES[0])
                message = json.loads(answer.partition(b"\r\n\r\n")[2])["Messages"][0]
                took.append(now - json.loads(message["Body"])["sentAt"])
        return took

    def _connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _ask(self, method, path, body=None):
        self._control.request(method, path, body)
        answer = self._control.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise StubError(f"the stub answered {answer.status} to {path}: {text.strip()}")
        return json.loads(text)


def _request(path, body, headers=""):
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def check(report, name):
    """Every message was deleted once, and nothing else."""
    if report["deleted"] != report["messages"] or report["deletedTwice"] or report["unknown"] or report["refused"]:
        raise StubError(f"{name} did not delete each message exactly once: {report}")
