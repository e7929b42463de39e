"""The local queue is killed again and again under load: what it acknowledged is true afterwards."""

import threading
from collections import Counter
from itertools import count

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ports import free_port
from support import wait_until
from support.contract import ContractQueue, entry
from support.server import LocalQueueServer, messages
from support.sqs import ENVIRONMENT

pytestmark = pytest.mark.one_client

KILLS = 8
SENDERS = 3
RECEIVERS = 3


@pytest.fixture
def server(binary, tmp_path):
    """On a port that stays the same when it starts again, as its clients expect."""
    server = LocalQueueServer(binary, tmp_path / "data", "--port", free_port())
    yield server.start()
    if server.is_running:
        server.kill()
    print(server.log())


class Load:
    """Clients that send, receive and delete until they are told to stop, and remember what they were told."""

    def __init__(self, endpoint, url, options=lambda number: {}):
        self.endpoint = endpoint
        self.url = url
        self.options = options
        self.attempted = set()
        self.sent = {}
        """The id of each message whose sending was acknowledged, by its body."""
        self.received = Counter()
        self.deleted = set()
        self.after_delete = []
        """Bodies that came although a delete of them had been acknowledged before the receive was asked for."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=[name]) for name in range(SENDERS)]
        self._threads += [threading.Thread(target=self._receive) for _ in range(RECEIVERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def queue(self):
        """Without retries: each call is one request, acknowledged or not."""
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        sqs = boto3.client(
            "sqs",
            endpoint_url=self.endpoint,
            region_name=ENVIRONMENT["AWS_REGION"],
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=config,
        )
        return ContractQueue(sqs, self.url)

    def _repeat(self, step):
        queue = self.queue()
        while not self._stop.is_set():
            try:
                step(queue)
            except (BotoCoreError, ClientError):
                # The server is gone for a moment. What was asked may have happened, or not.
                self._stop.wait(0.01)

    def _send(self, name):
        numbers = count()

        def step(queue):
            number = next(numbers)
            if number % 3:
                bodies = [f"{name}-{number}"]
                self.attempted.update(bodies)
                ids = [queue.send(bodies[0], **self.options(bodies[0]))["MessageId"]]
            else:
                bodies = [f"{name}-{number}-{part}" for part in range(5)]
                self.attempted.update(bodies)
                answer = queue.send_batch(*(entry(body, body, **self.options(body)) for body in bodies))
                bodies = [each["Id"] for each in answer["Successful"]]
                ids = [each["MessageId"] for each in answer["Successful"]]
            self.sent.update(zip(bodies, ids, strict=True))

        self._repeat(step)

    def _receive(self):
        def step(queue):
            with self._lock:
                deleted_before = set(self.deleted)
            for message in queue.receive(5, wait=1):
                body = message["Body"]
                with self._lock:
                    self.received[body] += 1
                    if body in deleted_before:
                        self.after_delete.append(body)
                if hash(message["ReceiptHandle"]) % 4 == 0:
                    queue.change_visibility(message, 0)
                    continue
                queue.delete(message)
                with self._lock:
                    self.deleted.add(body)

        self._repeat(step)


@pytest.mark.parametrize("kind", ["standard", "FIFO"])
def test_killed_under_load_it_keeps_its_word(kind, server):
    # A standard queue takes a late delete without deleting, so none may be late there. A FIFO queue refuses it, and
    # there a short timeout frees the groups of a receiver whose answer was cut off.
    attributes = {"VisibilityTimeout": "3", "FifoQueue": "true"} if kind == "FIFO" else {"VisibilityTimeout": "60"}
    name = "load.fifo" if kind == "FIFO" else "load"
    sqs = Load(server.endpoint, "").queue().sqs
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def options(body):
        return {"MessageGroupId": f"group-{hash(body) % 32}", "MessageDeduplicationId": body} if kind == "FIFO" else {}

    with Load(server.endpoint, url, options) as load:
        for kill in range(1, KILLS + 1):
            enough = kill * 60
            wait_until(lambda: len(load.sent) >= enough, f"{enough} messages are sent", interval=0.01)
            wait_until(lambda: len(load.deleted) >= enough // 4, f"{enough // 4} are deleted", interval=0.01)
            server.kill()
            server.start()

    rest = {message["Body"]: message["MessageId"] for message in messages(server.endpoint, url)}
    assert set(load.received) <= load.attempted, "something was received that was never sent"
    assert set(rest) <= load.attempted, "something is there that was never sent"
    lost = [body for body in load.sent if body not in rest and not load.received[body]]
    assert lost == [], "acknowledged, never received, and not there"
    undeleted = [body for body in load.sent if body not in rest and body not in load.deleted]
    # A delete whose answer was cut off may have happened: at most one for each receiver and kill.
    assert len(undeleted) <= RECEIVERS * KILLS
    assert [body for body in rest if body in load.deleted] == [], "deleted, and there again"
    assert load.after_delete == [], "deleted, and received again"
    assert [body for body, id in rest.items() if load.sent.get(body, id) != id] == [], "there under another id"
