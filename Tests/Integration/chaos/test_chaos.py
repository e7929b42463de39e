"""Everything dies, hangs and comes twice, at random, and then the database is what the events say.

`make chaos ARGS='--events 20000 --seed 7'` runs it for minutes. The seed decides the events and the order of what happens to
the processes; when each thing happens is up to the machine."""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from random import Random

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support.chaos import CATALOG, Model, holdings
from support.prizes import Prizes
from support.proxy import Proxy
from support.queue import Queue
from support.server import LocalQueueServer
from support.sqs import client, create_queue
from support.worker import Worker

VISIBILITY = 2
WORKERS = 3
BACKLOG = 300
"""How far the producer is ahead at most, so that what happens to the workers happens throughout."""


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


@pytest.fixture(params=["LocalQueue", "moto"])
def server(binary, servers, tmp_path, request):
    """A local queue of its own, to be killed, on a port that stays the same; moto's is shared, and forgets all."""
    if request.param == "moto":
        yield servers("moto")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LocalQueueServer(binary, tmp_path / "queues", "--port", port)
    yield server.start()
    if server.is_running:
        server.kill()
    print(server.log())


@pytest.fixture
def queue(server):
    # With kills, a good message may be received often.
    sqs = client(server.endpoint)
    name = f"chaos-{os.urandom(4).hex()}"
    return Queue(sqs, server, *create_queue(sqs, name, max_receive_count=1000, visibility_timeout=VISIBILITY))


@pytest.fixture
def worker(binary, queue, tmp_path):
    worker = Worker(binary, tmp_path, queue.url)
    worker.settings.update(visibilityTimeout=f"{VISIBILITY}s", maxReceiveCount=1000, concurrency=8)
    yield worker
    for each in worker.started:
        if each.is_running:
            each.kill()


def test_every_event_is_granted_once(server, queue, worker, request):
    # moto sends a hundred a second, and more slowly the more it has.
    is_moto = not isinstance(server, LocalQueueServer)
    total = request.config.getoption("--events") or 2500
    total = min(total, 400) if is_moto else total
    seed = request.config.getoption("--seed")
    print(f"\n{total} events, seed {seed}: make chaos ARGS='--events {total} --seed {seed}'", flush=True)

    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    model = Model(Random(f"{seed} events"), total)
    again = Again(Random(f"{seed} again"))
    proxy = Proxy(server.endpoint)
    proxy.on_request = again
    worker.environment["AWS_ENDPOINT_URL_SQS"] = proxy.endpoint
    producer = Producer(
        server.endpoint,
        queue.url,
        model,
        Random(f"{seed} batches"),
        total,
        lambda: prizes.query("SELECT count(*) FROM handled_events")[0][0],
    )
    began = time.monotonic()
    try:
        processes = Processes(worker)
        for _ in range(WORKERS):
            processes.start()
        producer.start()
        happened = torment(processes, producer, None if is_moto else server, Random(f"{seed} torment"))
        assert producer.failure is None, producer.failure

        proxy.on_request = lambda operation, body: None
        processes.thaw(at_once=True)
        queue.wait_until_empty(60 + total / 100)
        processes.check()
        processes.stop()
    finally:
        producer.stopped.set()
        producer.join(30)
        proxy.close()

    print(
        f"{dict(happened)} and {again.count} messages handed out again in {time.monotonic() - began:.0f} s;"
        f" {len(model.granted)} to grant, {len(model.bad)} bad, {len(model.doubtful)} in doubt",
        flush=True,
    )
    assert queue.size() == 0
    check(model, prizes, queue)


def torment(processes, producer, server, random):
    """Until the producer has sent all, and each thing has happened at least once."""
    happened, deck = Counter(), []
    kinds = ["kill a worker", "kill a worker", "stop a worker", "freeze a worker"]
    kinds += ["kill the queue"] if server else []
    shown = time.monotonic()
    while not producer.done.is_set() or len(happened) < len(set(kinds)):
        producer.done.wait(random.uniform(0.2, 1.2))
        processes.thaw()
        processes.check()
        if not deck:
            deck = random.sample(kinds, len(kinds))
        kind = deck.pop()
        happened[kind] += 1
        match kind:
            case "kill a worker":
                processes.kill(random)
            case "stop a worker":
                processes.terminate(random)
            case "freeze a worker":
                processes.freeze(random)
            case "kill the queue":
                server.kill()
                server.start()
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"  {producer.number} sent, {dict(happened)}", flush=True)
    return happened


def check(model, prizes, queue):
    handled = {key: json.loads(content) for key, content in prizes.query("SELECT key, content FROM handled_events")}
    missing = model.granted.keys() - handled.keys()
    assert not missing, f"never granted: {sorted(missing)[:10]}"
    # Of those in doubt, each that came did so once.
    found = [handled[key] for key in handled.keys() - model.granted.keys()]
    users = [event["discordUserId"] for event in found]
    assert len(set(users)) == len(users)
    assert set(users) <= model.doubtful.keys(), "granted, and never sent"
    assert [event["quantity"] for event in found] == [model.doubtful[user]["quantity"] for user in users]

    items, characters = holdings([*model.granted.values(), *found])
    rows = prizes.query(
        """
        SELECT iif(owner_user_id IS NULL, 'pending', 'owner'), coalesce(owner_user_id, pending_discord_user_id),
          item_type_id, sum(quantity)
        FROM items GROUP BY 1, 2, 3
        """
    )
    assert {tuple(row[:3]): row[3] for row in rows} == dict(items)
    rows = prizes.query(
        """
        SELECT id, iif(owner_user_id IS NULL, 'pending', 'owner'), coalesce(owner_user_id, pending_discord_user_id)
        FROM characters WHERE coalesce(owner_user_id, pending_discord_user_id) IS NOT NULL
        """
    )
    assert {row[0]: tuple(row[1:]) for row in rows} == characters
    assert prizes.query("PRAGMA integrity_check") == [("ok",)]

    # A worker that dies between sending a dead letter and deleting its message leads to two of it.
    letters = queue.dead_letters()
    assert {letter.body for letter in letters} == model.bad
    assert all(letter.failure for letter in letters), "dead-lettered by the worker, and not by the redrive policy"
