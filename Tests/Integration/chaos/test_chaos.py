"""Everything dies, hangs and comes twice, at random, and then the database is what the events say.

`make chaos ARGS='--events 20000 --seed 7'` runs it for minutes. The seed decides the events and the order of what happens
to the processes; when each thing happens is up to the machine."""

import json
import os
import socket
import time
from collections import Counter
from random import Random

import pytest

from support.chaos import CATALOG, Model, holdings
from support.prizes import Prizes
from support.proxy import Proxy
from support.queue import Queue
from support.server import LocalQueueServer
from support.sqs import client, create_queue
from support.torment import VISIBILITY, Again, Processes, Producer
from support.worker import Worker

WORKERS = 3


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

    items, characters = holdings([*model.granted.values(), *(model.doubtful[user] for user in users)])
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
