"""The bot of the chaos: it sends until it is answered."""

import threading

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BACKLOG = 300
"""How far the bot is ahead at most, so that what happens to the workers happens throughout."""
LOST_ANSWERS = 0.03


class Producer(threading.Thread):
    """A bot that sends until it is answered, without ever holding an event for sent that is not."""

    def __init__(self, endpoint, queues, model, random, total, handled):
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.stopped = threading.Event()
        self.number = 0
        self.failure = None
        self._queues, self._model, self._random, self._total, self._handled = queues, model, random, total, handled
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
                queue = self._random.choice(self._queues)
                is_fifo = queue.name.endswith(".fifo")
                batch = [self._model.draw(self.number + offset, is_fifo) for offset in range(size)]
                self._send(batch, queue)
                self.number += size
                while len(self._model.granted) - self._handled() > BACKLOG and not self.stopped.is_set():
                    self.stopped.wait(0.05)
        except BaseException as failure:
            self.failure = failure
        finally:
            self.done.set()

    def _send(self, events, queue):
        while events and not self.stopped.is_set():
            entries = [self._entry(number, event) for number, event in enumerate(events)]
            answer = self._answer(queue, entries)
            if answer is None:
                for event in events:
                    if not event.may_be_repeated:
                        self._model.not_answered(event)
                events = [event for event in events if event.may_be_repeated]
                self.stopped.wait(0.02)
                continue
            for each in answer.get("Successful", []):
                self._model.sent(events[int(each["Id"])], each["MessageId"], queue.name)
            events = [events[int(each["Id"])] for each in answer.get("Failed", [])]

    def _answer(self, queue, entries):
        """None where none comes: then nobody knows whether they were sent."""
        try:
            answer = self._sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
        except (BotoCoreError, ClientError):
            return None
        return answer if self._random.random() > LOST_ANSWERS else None

    def _entry(self, number, event):
        entry = {"Id": str(number), "MessageBody": event.body}
        if event.key:
            entry["MessageAttributes"] = {"IdempotencyKey": event.key.attribute(self._random)}
        if event.group:
            entry |= {"MessageGroupId": event.group, "MessageDeduplicationId": event.deduplication_id}
        return entry
