"""`worker dead-letters redrive`, killed where that hurts, and run again."""

import json
import os
import signal
import subprocess
import threading
from collections import Counter, defaultdict

from support.proxy import Proxy

HOLD = 4
"""In seconds, where the command asks for minutes: for so long are letters hidden that it could not give back."""
PATIENCE = 10
"""In seconds: as long as new letters come, it goes on, until it is stopped."""
DEATHS = [
    ("ReceiveMessage", "after"),
    ("SendMessageBatch", "before"),
    ("SendMessageBatch", "after"),
    ("DeleteMessageBatch", "before"),
    ("DeleteMessageBatch", "after"),
]
"""With which request one dies: before the server has done what it asks for, or after that and before the answer."""


class Redrives(threading.Thread):
    """One after the other, of one queue or another, and every other one is killed."""

    def __init__(self, worker, endpoint, queues, random):
        super().__init__(daemon=True)
        self.failure = None
        self.happened = Counter()
        self.failures = defaultdict(set)
        """What the letters say that came by, by their bodies; None of one that says nothing."""
        self._queues, self._random = queues, random
        self._stopped = threading.Event()
        self._worker = worker
        self._proxy = Proxy(endpoint)
        self._proxy.on_request = lambda operation, body: self._exchange
        self._process = None
        self._death = None
        self._hold = None

    def run(self):
        try:
            while not self._stopped.wait(self._random.uniform(0.5, 3)):
                queue, death = self._random.choice(self._queues), self._random.choice(DEATHS)
                self.redrive(queue, self._random.choice([None, death]), HOLD)
        except BaseException as failure:
            self.failure = failure

    def stop(self):
        self._stopped.set()
        if self.ident is not None:
            self.join(120)

    def redrive(self, queue, death=None, hold=None):
        """Sends all letters of a queue back, if it lives."""
        routes = self._worker.write_routes()
        command = [self._worker.binary, "dead-letters", "redrive", "--queue", queue, "--all", "--yes", "--routes", routes]
        environment = {**self._worker.environment, "AWS_ENDPOINT_URL_SQS": self._proxy.endpoint}
        self._death, self._hold = None, hold
        with subprocess.Popen(
            command, env=environment, cwd=self._worker.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as self._process:
            self._death = death
            # Failures that it reports: the queue was killed, a letter came back meanwhile, or it took longer than HOLD.
            reported = [os.EX_OK, 1, os.EX_TEMPFAIL]
            try:
                output, _ = self._process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                # By the signal itself while it has received nothing yet.
                reported += [128 + signal.SIGTERM, -signal.SIGTERM]
                self._process.terminate()
                output, _ = self._process.communicate(timeout=60)
        code = self._process.returncode
        has_died = code == -signal.SIGKILL and death is not None and self._death is None
        assert has_died or code in reported, f"exit code {code} of a redrive\n{output}"
        self.happened["kill a redrive" if has_died else "redrive"] += 1

    def close(self):
        self.stop()
        self._proxy.close()

    def _exchange(self, exchange):
        body = exchange.body
        if exchange.operation == "ReceiveMessage" and self._hold:
            body = json.dumps({**json.loads(body), "VisibilityTimeout": self._hold}).encode()
        if self._dies(exchange.operation, "before"):
            return
        status, answer = exchange.forward(body)
        if exchange.operation == "ReceiveMessage" and status == 200:
            self._look_at(json.loads(answer).get("Messages", []))
        if not self._dies(exchange.operation, "after"):
            exchange.answer(status, answer)

    def _dies(self, operation, when):
        if self._death != (operation, when):
            return False
        self._death = None
        self._process.kill()
        return True

    def _look_at(self, letters):
        for letter in letters:
            failure = letter.get("MessageAttributes", {}).get("WorkerFailure")
            self.failures[letter["Body"]].add(json.loads(failure["StringValue"])["kind"] if failure else None)
