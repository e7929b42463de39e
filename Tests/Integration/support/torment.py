"""The parts of the chaos: workers that die, a queue that repeats itself, and a bot that sends until it is answered."""

import json
import signal
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

VISIBILITY = 2
"""For how many seconds a message is its receiver's alone."""
BACKLOG = 300
"""How far the bot is ahead at most, so that what happens to the workers happens throughout."""


class Processes:
    """The workers on one database, of which some are stopped and some are ending."""

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

    def terminate(self, random):
        # One that is so young that it does not listen to signals yet would be killed by this one.
        candidates = [each for each in self.running if each is not self.frozen and each.log()]
        if not candidates:
            return
        victim = random.choice(candidates)
        victim.terminate()
        self.running.remove(victim)
        self.ending.append(victim)
        self.start()

    def freeze(self, random):
        """For longer than its messages are its own."""
        if self.frozen is None:
            self.frozen = random.choice(self.running)
            self.frozen.signal(signal.SIGSTOP)
            self.thaw_at = time.monotonic() + VISIBILITY + random.uniform(0.3, 1.5)

    def thaw(self, at_once=False):
        if self.frozen is not None and (at_once or time.monotonic() > self.thaw_at):
            self.frozen.signal(signal.SIGCONT)
            self.frozen = None

    def check(self):
        ended = [each for each in self.running if not each.is_running]
        assert not ended, f"a worker ended by itself with {ended[0].process.returncode}\n{ended[0].log()[-6000:]}"

    def stop(self):
        for each in self.running:
            each.terminate()
        for each in self.running + self.ending:
            assert each.wait(30) == 0, f"a worker ended with {each.process.returncode}\n{each.log()[-6000:]}"


class Again:
    """Hands workers messages that they or others were handed before, as SQS may."""

    def __init__(self, random):
        self.count = 0
        self._random = random
        self._seen = []
        self._lock = threading.Lock()

    def __call__(self, operation, body):
        return self._receive if operation == "ReceiveMessage" else None

    def _receive(self, exchange):
        request = json.loads(exchange.body)
        with self._lock:
            again = self._random.choice(self._seen) if self._seen and self._random.random() < 0.3 else None
        if again and request["MaxNumberOfMessages"] > 1:
            request["MaxNumberOfMessages"] -= 1
        else:
            again = None
        status, body = exchange.forward(json.dumps(request).encode())
        messages = json.loads(body).get("Messages", []) if status == 200 else []
        with self._lock:
            self._seen = (self._seen + messages)[-500:]
            if again and messages:
                self.count += 1
                body = json.dumps({"Messages": [*messages, again]}).encode()
        exchange.answer(status, body)


class Producer(threading.Thread):
    """A bot that sends until it is answered, without ever holding an event for sent that is not."""

    def __init__(self, endpoint, url, model, random, total, handled):
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.stopped = threading.Event()
        self.number = 0
        self.failure = None
        self._url, self._model, self._random, self._total, self._handled = url, model, random, total, handled
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        self._sqs = boto3.client(
            "sqs",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=config,
        )

    def run(self):
        try:
            while self.number < self._total and not self.stopped.is_set():
                size = min(self._random.randint(1, 10), self._total - self.number)
                batch = [self._model.draw(self.number + offset) for offset in range(size)]
                self._send(batch)
                self.number += size
                while len(self._model.granted) - self._handled() > BACKLOG and not self.stopped.is_set():
                    self.stopped.wait(0.05)
        except BaseException as failure:
            self.failure = failure
        finally:
            self.done.set()

    def _send(self, events):
        while events and not self.stopped.is_set():
            entries = [{"Id": str(number), "MessageBody": event.body} for number, event in enumerate(events)]
            for entry, event in zip(entries, events, strict=True):
                if event.key:
                    key = {"DataType": "String", "StringValue": event.key}
                    entry["MessageAttributes"] = {"IdempotencyKey": key}
            try:
                answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError):
                once = [event for event in events if event.key is None and not event.is_bad]
                for event in once:
                    self._model.not_answered(event)
                events = [event for event in events if event not in once]
                self.stopped.wait(0.02)
                continue
            for each in answer.get("Successful", []):
                self._model.sent(events[int(each["Id"])], each["MessageId"])
            events = [events[int(each["Id"])] for each in answer.get("Failed", [])]
