"""Letters of both sorts, and the commands about them."""

import json

import pytest

from support import wait_until
from support.events import CATALOG, COIN, UNLINKED, item

NEW_COIN = "new-coin"
"""An item type that is not in the catalog yet."""


class Letters:
    def __init__(self, worker, queue, prizes):
        self.worker = worker
        self.queue = queue
        self.prizes = prizes

    def command(self, *arguments, **options):
        routes = self.worker.write_routes()
        return self.worker.command("dead-letters", *arguments, "--routes", routes, **options)

    def json(self, *arguments):
        return json.loads(self.command(*arguments, "--json").succeeded().stdout)

    def listed(self, *arguments):
        return self.json("list", *arguments)["deadLetters"]

    def written(self, *events, **attributes):
        """Events that the worker dead-letters; returns their message ids."""
        ids = [self.queue.send(event, attributes) for event in events]
        self.worker.run_until_empty()
        return ids

    def moved(self, event=None, attributes=None, **options):
        """An event that the queue's redrive policy moves; returns its message id."""
        id = self.queue.send(event or item(), attributes, **options)
        wait_until(self._receive_all, "the redrive policy has moved the message")
        return id

    def _receive_all(self):
        self.queue.sqs.receive_message(QueueUrl=self.queue.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return self.queue.size() == 0

    def counts(self):
        """How many letters are visible, and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.queue.sqs.get_queue_attributes(QueueUrl=self.queue.dead_letter_url, AttributeNames=names)
        return tuple(int(answer["Attributes"][name]) for name in names)

    def learn_new_coin(self):
        """What made its letters fail is set right."""
        communities = [dict(community) for community in CATALOG["communities"]]
        new = {"id": NEW_COIN, "name": "New coin", "stackable": True}
        communities[0]["itemTypes"] = [*communities[0]["itemTypes"], new]
        self.prizes.import_catalog({**CATALOG, "communities": communities})

    def granted(self):
        """What the next run grants, beside what was granted before."""
        self.worker.run_until_empty()
        return self.prizes.pending(UNLINKED)


@pytest.fixture
def letters(worker, queue, prizes):
    return Letters(worker, queue, prizes)


@pytest.fixture
def unknown_coin():
    """An event that the worker dead-letters, until it learns that there is such a coin."""
    return item(quantity=5, type=NEW_COIN)


@pytest.fixture
def coin():
    """An event that the worker can handle."""
    return item(quantity=5, type=COIN)


@pytest.fixture
def refusing(proxy):
    """Names of operations that the queue answers with 503."""
    names = set()
    answer = 503, json.dumps({"__type": "com.amazonaws.sqs#ServiceUnavailable", "message": "Not now."}).encode()
    proxy.on_request = lambda operation, body: answer if operation in names else None
    return names
