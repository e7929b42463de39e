"""The queue, as a producer and an operator see it through boto3."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime

from support import wait_until
from support.server import LocalQueueServer, receive_counts


@dataclass
class Message:
    id: str
    body: str
    attributes: dict
    """The text of each message attribute."""
    system: dict

    @property
    def failure(self):
        """What `WorkerFailure` says; None without that attribute."""
        text = self.attributes.get("WorkerFailure")
        return json.loads(text) if text is not None else None

    @property
    def first_received(self):
        """What `WorkerFailure` says of it; ISO 8601."""
        return datetime.fromisoformat(self.failure["firstReceived"].replace("Z", "+00:00"))


def _attribute(value):
    data_type, value = ("String", value) if isinstance(value, str) else value
    return {"DataType": data_type, "BinaryValue" if data_type.startswith("Binary") else "StringValue": value}


class Queue:
    def __init__(self, sqs, server, url, dead_letter_url):
        self.sqs = sqs
        self.server = server
        self.url = url
        self.dead_letter_url = dead_letter_url
        self._dead_letters = {}
        self._receive_counts = {}

    @property
    def name(self):
        return self.url.rsplit("/", 1)[-1]

    def send(self, body, attributes=None, **options):
        """Sends an event, or a text as it is; returns the message's id.

        An attribute is a text, or a pair of its data type and its value."""
        text = body if isinstance(body, str) else json.dumps(body)
        values = {name: _attribute(value) for name, value in (attributes or {}).items()}
        sent = self.sqs.send_message(QueueUrl=self.url, MessageBody=text, MessageAttributes=values, **options)
        return sent["MessageId"]

    def receive(self):
        """All that can be received at once; it stays invisible for the queue's visibility timeout."""
        return self._receive(self.url)

    def dead_letters(self):
        """All that came into the dead-letter queue until now."""
        for message in self._receive(self.dead_letter_url):
            self._dead_letters[message.id] = message
        return list(self._dead_letters.values())

    def wait_for_dead_letters(self, count, deadline=120.0):
        wait_until(lambda: len(self.dead_letters()) >= count, f"{count} dead letters are there", deadline)
        return self.dead_letters()

    def dead_letter(self):
        """The only one."""
        letters = self.dead_letters()
        assert len(letters) == 1, f"expected one dead letter, found {[letter.body[:200] for letter in letters]}"
        return letters[0]

    def size(self):
        """How many messages it holds: visible, in flight and delayed."""
        return self._size(self.url)

    def dead_letter_count(self):
        """The same of its dead-letter queue."""
        return self._size(self.dead_letter_url)

    def _size(self, url):
        size = self._count(url)
        # moto counts one state after the other: a message that becomes visible meanwhile is in none of them, and one
        # that is received is in two. What is counted twice in a row is so.
        while not isinstance(self.server, LocalQueueServer) and size != (again := self._count(url)):
            size = again
        return size

    def _count(self, url):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        names.append("ApproximateNumberOfMessagesDelayed")
        counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)

    def wait_until_empty(self, deadline=120.0):
        wait_until(lambda: self.size() == 0, "the queue is empty", deadline)

    def receive_count(self, message_id):
        """How often a message was received, asked of the server, because to receive it would count.

        moto remembers deleted messages. Of LocalQueue's, what was seen last before the deletion is told."""
        if not isinstance(self.server, LocalQueueServer):
            self._receive_counts |= self._counts_of_moto()
        else:
            for url in (self.url, self.dead_letter_url):
                self._receive_counts |= receive_counts(self.server.endpoint, url)
        return self._receive_counts.get(message_id, 0)

    def _counts_of_moto(self):
        try:
            with urllib.request.urlopen(f"{self.server.endpoint}/moto-api/data.json", timeout=30) as answer:
                messages = json.load(answer).get("sqs", {}).get("Message", [])
        except urllib.error.HTTPError:
            return {}  # The server was changing what it was about to show: the caller asks again.
        return {message["id"]: message["approximate_receive_count"] for message in messages}

    def wait_until_received(self, message_id, times=1, deadline=120.0):
        what = f"the message is received {times} times"
        wait_until(lambda: self.receive_count(message_id) >= times, what, deadline, interval=0.1)

    def _receive(self, url):
        received = []
        while True:
            batch = self.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=600,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            if not batch:
                return received
            for message in batch:
                attributes = {
                    name: value.get("StringValue", value.get("BinaryValue"))
                    for name, value in message.get("MessageAttributes", {}).items()
                }
                received.append(Message(message["MessageId"], message["Body"], attributes, message["Attributes"]))
