"""The parts of the chaos: workers that die, a queue that repeats itself, and somebody else who receives."""

import json
import signal
import threading
import time
from collections import defaultdict

from botocore.exceptions import BotoCoreError, ClientError

from support.sqs import client_without_retries

VISIBILITY = 2
"""For how many seconds a message is its receiver's alone."""


class Processes:
    """The workers on one database, of which some are stopped and some are ending. What happens to one is told by whether
    it happened."""

    def __init__(self, worker):
        self.worker = worker
        self.running = []
        self.ending = []
        self.frozen = None
        self.thaw_at = 0.0

    def start(self):
        self.running.append(self.worker.start("--shutdown-deadline", "1s"))

    def kill(self, random):
        victim = random.choice(self.running)
        if victim is self.frozen:
            self.frozen = None
        victim.kill()
        self.running.remove(victim)
        self.start()
        return True

    def terminate(self, random):
        # One that is so young that it does not listen to signals yet would be killed by this one.
        candidates = [each for each in self.running if each is not self.frozen and each.log()]
        if not candidates:
            return False
        victim = random.choice(candidates)
        victim.terminate()
        self.running.remove(victim)
        self.ending.append(victim)
        self.start()
        return True

    def freeze(self, random):
        """For longer than its messages are its own."""
        if self.frozen is not None:
            return False
        self.frozen = random.choice(self.running)
        self.frozen.signal(signal.SIGSTOP)
        self.thaw_at = time.monotonic() + VISIBILITY + random.uniform(0.3, 1.5)
        return True

    def thaw(self, at_once=False):
        if self.frozen is not None and (at_once or time.monotonic() > self.thaw_at):
            self.frozen.signal(signal.SIGCONT)
            self.frozen = None

    def check(self):
        for each in [each for each in self.running if not each.is_running]:
            if not has_refused(each):
                (self.worker.folder / "ended.log").write_text(each.log())
            assert has_refused(each), f"a worker ended by itself with {each.process.returncode}\n{each.log()[-6000:]}"
            self.running.remove(each)
            self.start()

    def outages(self):
        """How often a worker found that its plugin is down."""
        return sum(each.log().count("the plugin is down") for each in self.worker.started)

    def stop(self):
        for each in self.running:
            each.terminate()
        for each in self.running + self.ending:
            # One that still opens its database has nothing to finish, and just ends.
            expected = (0,) if "consumer started" in each.log() else (0, -signal.SIGTERM)
            has_ended = each.wait() in expected or has_refused(each)
            assert has_ended, f"a worker ended with {each.process.returncode}\n{each.log()[-6000:]}"
        self.running, self.ending = [], []


def has_refused(worker):
    """One that starts during an outage says so and ends; what started it does so again."""
    log = worker.log()
    reasons = ("is locked", "is malformed", "postgres://")
    return "cannot open the prize database" in log and any(reason in log for reason in reasons)


class Again:
    """Hands workers messages that they or others were handed before, as SQS may those of a standard queue."""

    def __init__(self, random):
        self.count = 0
        self._random = random
        self._seen = defaultdict(list)
        self._lock = threading.Lock()

    def __call__(self, operation, body):
        return self._receive if operation == "ReceiveMessage" else None

    def _receive(self, exchange):
        request = json.loads(exchange.body)
        url = request["QueueUrl"]
        with self._lock:
            seen = [] if url.endswith(".fifo") else self._seen[url]
            again = self._random.choice(seen) if seen and self._random.random() < 0.3 else None
        if again and request["MaxNumberOfMessages"] > 1:
            request["MaxNumberOfMessages"] -= 1
        else:
            again = None
        status, body = exchange.forward(json.dumps(request).encode())
        messages = json.loads(body).get("Messages", []) if status == 200 else []
        with self._lock:
            self._seen[url] = (self._seen[url] + messages)[-500:]
            if again and messages:
                self.count += 1
                body = json.dumps({"Messages": [*messages, again]}).encode()
        exchange.answer(status, body)


class ForeignReader(threading.Thread):
    """Receives from a queue of the workers', now and then, and handles nothing: so messages come to be received too often."""

    def __init__(self, endpoint, url, random):
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.received = 0
        self._sqs, self._url, self._random = client_without_retries(endpoint), url, random

    def stop(self):
        self.stopped.set()
        self.join(120)

    def run(self):
        while not self.stopped.wait(self._random.uniform(0, 0.2)):
            try:
                answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            except (BotoCoreError, ClientError):
                continue  # The queue was killed.
            self.received += len(answer.get("Messages", []))
