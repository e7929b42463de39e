"""A load generator for SQS-compatible servers that costs little, so that the server is what is measured.

It signs nothing, decodes almost nothing and prepares its requests in advance: one core makes several times the
requests that a good server answers on one. Standard library alone.
"""

import json
import re
import selectors
import time
from dataclasses import dataclass

from connection import Connection, LoadError

BATCH = 10
SILENCE = 60.0
"""Seconds without any answer, or without any message, after which a run is given up."""
# A quarter of the time that json.loads takes for a receive of ten. A handle holds no quotation mark, and what is copied
# from one JSON text into the next may stay escaped as it is.
HANDLE = re.compile(rb'"ReceiptHandle"\s*:\s*"([^"]+)"')


@dataclass
class Run:
    """`messages` went the whole way: sent, received, deleted."""

    messages: int
    seconds: float
    generator_cpu: float
    requests: int

    @property
    def rate(self):
        return self.messages / self.seconds


class Load:
    """One queue and the connections that use it: each sends, receives and deletes in turn, waiting for each answer."""

    def __init__(self, port, queue, connections, body):
        self._port = port
        self._connections = connections
        self._body = body
        self._url = self.call("CreateQueue", {"QueueName": queue})["QueueUrl"]
        entries = [{"Id": str(n), "MessageBody": body} for n in range(BATCH)]
        self._send = self._request("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries})
        self._receive = [self._receive_request(most) for most in range(BATCH + 1)]
        head, tail = self._request("DeleteMessageBatch", b"").split(b"Content-Length: 0")
        self._delete_head, self._delete_tail = head + b"Content-Length: ", tail
        self._delete_body = b'{"QueueUrl":' + json.dumps(self._url).encode() + b',"Entries":['

    def cycle(self, messages):
        """Sends, receives and deletes that many, at full speed. A queue that is deep gives its oldest messages."""
        before = self.depth()
        self._goal, self._sent, self._taken, self._received = messages, 0, 0, 0
        self._last_received = time.perf_counter()
        run = self._drive(self._cycle, messages)
        if self._received != messages or self.depth() != before:
            raise LoadError(
                f"{messages:,} messages were sent and {self._received:,} received, and the queue holds "
                f"{self.depth():,} instead of {before:,}"
            )
        return run

    def fill(self, messages, progress):
        """Sends that many; `progress` is told now and then how many were."""
        before = self.depth()
        self._goal, self._sent, self._answered, self._progress = messages, 0, 0, progress
        self._drive(self._fill, messages)
        if self.depth() != before + messages:
            raise LoadError(f"{messages:,} were sent to {before:,}, and the queue holds {self.depth():,}")

    def depth(self):
        """How many messages the queue holds: visible, in flight and delayed."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        answer = self.call("GetQueueAttributes", {"QueueUrl": self._url, "AttributeNames": names})
        return sum(int(answer["Attributes"][name]) for name in names)

    def call(self, operation, fields):
        """One request outside of any measurement."""
        answers = []

        def once():
            answers.append((yield self._request(operation, fields)))

        self._drive(once, 0, connections=1)
        return json.loads(answers[0])

    # What a connection does: it yields a request and gets the answer's body.

    def _cycle(self):
        while True:
            if self._sent < self._goal:
                self._sent += BATCH
                self._check_sent((yield self._send))
            most = min(BATCH, self._goal - self._taken)
            if most == 0:
                return
            self._taken += most
            answer = yield self._receive[most]
            handles = HANDLE.findall(answer)
            if self._received == 0 and handles:
                self._check_received(answer)
            self._taken -= most - len(handles)
            self._received += len(handles)
            if not handles:
                if time.perf_counter() - self._last_received > SILENCE:
                    raise LoadError(f"no message came for {SILENCE:g} s; {self._received:,} of {self._goal:,} had")
            else:
                self._last_received = time.perf_counter()
                answer = yield self._delete(handles)
                if answer.count(b'"Id"') != len(handles) or b'"Code"' in answer:
                    raise LoadError(f"not every message was deleted: {answer.decode()}")

    def _fill(self):
        while self._sent < self._goal:
            self._sent += BATCH
            self._check_sent((yield self._send))
            self._answered += BATCH
            if self._answered % 10_000 == 0:
                self._progress(self._answered)

    @staticmethod
    def _check_sent(answer):
        if answer.count(b'"MessageId"') != BATCH:
            raise LoadError(f"not every message was sent: {answer.decode()}")

    def _check_received(self, answer):
        """The first answer of a run stands for the others."""
        for message in json.loads(answer)["Messages"]:
            if message["Body"] != self._body:
                raise LoadError(f"a message came back changed: {message}")

    # Requests

    def _receive_request(self, most):
        """As the worker's own client asks."""
        return self._request(
            "ReceiveMessage",
            {
                "QueueUrl": self._url,
                "MaxNumberOfMessages": most,
                "WaitTimeSeconds": 0,
                "VisibilityTimeout": 600,
                "MessageSystemAttributeNames": [
                    "ApproximateReceiveCount",
                    "SentTimestamp",
                    "ApproximateFirstReceiveTimestamp",
                    "MessageGroupId",
                    "MessageDeduplicationId",
                    "AWSTraceHeader",
                ],
                "MessageAttributeNames": ["All"],
            },
        )

    def _delete(self, handles):
        entries = [b'{"Id":"%d","ReceiptHandle":"%b"}' % entry for entry in enumerate(handles)]
        body = self._delete_body + b",".join(entries) + b"]}"
        return b"%b%d%b%b" % (self._delete_head, len(body), self._delete_tail, body)

    def _request(self, operation, fields):
        body = fields if isinstance(fields, bytes) else json.dumps(fields, separators=(",", ":")).encode()
        head = (
            "POST / HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{self._port}\r\n"
            "Content-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Target: AmazonSQS.{operation}\r\n"
            "X-Amz-Date: 20260101T000000Z\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    # The event loop

    def _drive(self, work, messages, connections=None):
        selector = selectors.DefaultSelector()
        requests = 0
        cpu, start = time.process_time(), time.perf_counter()
        try:
            for _ in range(connections or self._connections):
                connection = Connection(self._port, work())
                if connection.start():
                    selector.register(connection.socket, selectors.EVENT_READ, connection)
            while selector.get_map():
                ready = selector.select(SILENCE)
                if not ready:
                    raise LoadError(f"the server was silent for {SILENCE:g} s")
                for key, _ in ready:
                    connection, before = key.data, key.fileobj
                    requests += connection.read()
                    if connection.socket is not before:
                        selector.unregister(before)
                        before.close()
                        if connection.socket:
                            selector.register(connection.socket, selectors.EVENT_READ, connection)
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()
            selector.close()
        return Run(messages, time.perf_counter() - start, time.process_time() - cpu, requests)
