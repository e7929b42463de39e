"""A million messages through one worker, and its memory at the end is what it was after the first hundred thousand.

`make soak` runs it, `make soak ARGS='--events 200000'` a shorter one: the memory is compared with that at a tenth."""

import http.client
import json
import os
import threading
import time
from random import Random

import pytest

from support.events import CATALOG, CAST, COIN, SWORD, character, item, somebody
from support.memory import Curve
from support.prizes import Prizes
from support.queue import Queue
from support.server import LocalQueueServer
from support.sqs import client, create_queue
from support.worker import Worker

USERS = 2000
BATCHES = 500
"""How many there are to choose from; each is prepared once, so that sending costs little."""
BACKLOG = 20_000
"""How far the bot is ahead at most: the queue's memory is not what is measured."""
SILENCE = 60
"""Seconds without progress after which it is given up."""


class Bot(threading.Thread):
    """Sends batches of ten: coins and swords, the same event again and again, a few that cannot be handled."""

    def __init__(self, endpoint, url, total, random):
        super().__init__(daemon=True)
        self.sent = self.coins = self.bad = 0
        self.keys = set()
        self.failure = None
        self.stopped = threading.Event()
        self.handled = lambda: 0
        self._address, self._total, self._random = endpoint.removeprefix("http://"), total, random
        self._batches = [self._batch(url, number) for number in range(BATCHES)]

    def _batch(self, url, number):
        coins, bad, keys, entries = 0, 0, set(), []
        for place in range(10):
            entry, kind = {"Id": str(place)}, self._random.random()
            if kind < 0.02:
                event = item(somebody(number), type="nothing", quantity=place + 1)
                bad += 1
            elif kind < 0.06:
                # Known by its key, so it is granted once, however often its batch is sent.
                key = f"{number}-{place}"
                event = item(somebody(USERS + number), type=SWORD)
                entry["MessageAttributes"] = {"IdempotencyKey": {"DataType": "String", "StringValue": key}}
                keys.add(key)
            elif kind < 0.08:
                # Granted to the first, and a conflict for all others.
                event = character(self._random.choice(CAST), somebody(number))
            else:
                event = item(somebody(self._random.randrange(USERS)), type=COIN)
                coins += 1
            entries.append({**entry, "MessageBody": json.dumps(event)})
        return json.dumps({"QueueUrl": url, "Entries": entries}).encode(), coins, bad, keys

    def run(self):
        connection = http.client.HTTPConnection(self._address, timeout=60)
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessageBatch"}
        try:
            while self.sent < self._total and not self.stopped.is_set():
                if self.sent - self.handled() > BACKLOG:
                    self.stopped.wait(0.02)
                    continue
                body, coins, bad, keys = self._random.choice(self._batches)
                connection.request("POST", "/", body, headers)
                answer = connection.getresponse().read()
                assert answer.count(b'"MessageId"') == 10, answer
                self.sent, self.coins, self.bad = self.sent + 10, self.coins + coins, self.bad + bad
                self.keys |= keys
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()


@pytest.fixture
def server(binary, tmp_path):
    # What a power cut does to the queue is no matter here.
    with LocalQueueServer(binary, tmp_path / "queues", "--no-sync") as server:
        yield server


@pytest.fixture
def queue(server):
    sqs = client(server.endpoint)
    return Queue(sqs, server, *create_queue(sqs, f"soak-{os.urandom(4).hex()}"))


@pytest.fixture
def worker(binary, queue, tmp_path):
    worker = Worker(binary, tmp_path, queue.url)
    worker.settings.update(concurrency=64)
    yield worker
    for each in worker.started:
        if each.is_running:
            each.kill()


def test_memory_stays_what_it_is(server, queue, worker, request):
    total = request.config.getoption("--events")
    if not total:
        pytest.skip("a million messages take minutes: `make soak`")
    seed = request.config.getoption("--seed")
    print(f"\n{total} messages, seed {seed}", flush=True)
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    bot = Bot(server.endpoint, queue.url, total, Random(seed))
    running = worker.start("--log-level", "warning")
    curve = Curve(running.process.pid)
    try:
        run(bot, queue, running, curve, total)
    finally:
        bot.stopped.set()
        bot.join(30)
    running.stop()

    early, late = curve.between(total // 10, total // 10 + total // 50), curve.between(total - total // 50, total)
    print(f"resident: {early / 1024:.1f} MB at {total // 10}, {late / 1024:.1f} MB at {total}", flush=True)
    assert prizes.query("SELECT sum(quantity) FROM items WHERE item_type_id = ?", COIN)[0][0] == bot.coins
    swords = prizes.query("SELECT count(*) FROM items WHERE item_type_id = ?", SWORD)[0][0]
    assert swords == len(bot.keys)
    assert late <= early * 1.1, f"the worker grew from {early} kB to {late} kB"


def run(bot, queue, running, curve, total):
    """Until all are handled; shows how far it is."""
    handled, progressed, shown = 0, time.monotonic(), -1
    bot.start()
    while handled < total:
        time.sleep(0.2)
        sent = bot.sent
        now = sent - queue.size()
        if now > handled:
            handled, progressed = now, time.monotonic()
            bot.handled = lambda: handled
        assert running.is_running, f"the worker ended with {running.process.returncode}\n{running.log()[-4000:]}"
        assert bot.failure is None, bot.failure
        assert time.monotonic() - progressed < SILENCE, f"{handled} of {sent} are handled, and no more"
        kilobytes = curve.add(handled)
        if handled * 20 // total > shown:
            shown = handled * 20 // total
            seconds = curve.points[-1][1]
            print(f"  {handled:>9} handled, {seconds:6.0f} s, {kilobytes / 1024:6.1f} MB", flush=True)
