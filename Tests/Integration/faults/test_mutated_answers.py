"""Answers of the queue's that are damaged at random: no worker crashes, hangs or grows; all is granted once, and
nothing is dead-lettered that can be handled. `--answers 20000` for more.

What is damaged in a message shows by its MD5s, and its event has a key among its attributes. Without one an event is
known by its message's id, which no digest covers."""

import json
import time
from random import Random

import pytest

from support import wait_until
from support.chaos import holdings
from support.events import item, somebody
from support.faults import wait_until_logged
from support.memory import resident_megabytes
from support.mutations import Mutator

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

WORKERS = 3
OPERATIONS = {
    "ReceiveMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "SendMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
}


@pytest.fixture
def queue(make_queue):
    return make_queue(max_receive_count=1000, visibility_timeout=2)


class Sender:
    """Sends ten events at a time, of which one cannot be handled."""

    def __init__(self, queue):
        self.granted = []
        self.bad = set()
        self._queue = queue

    def send(self):
        entries = []
        for place in range(10):
            number = len(self.granted) + len(self.bad)
            event = item(somebody(number), 1 + number % 7, "nothing" if place == 9 else "cluid123abc")
            key = {"IdempotencyKey": {"DataType": "String", "StringValue": f"event-{number}"}}
            entries.append({"Id": str(place), "MessageBody": json.dumps(event), "MessageAttributes": key})
            if place == 9:
                self.bad.add(entries[-1]["MessageBody"])
            else:
                self.granted.append(event)
        self._queue.sqs.send_message_batch(QueueUrl=self._queue.url, Entries=entries)


def test_the_workers_catch_up(server, queue, worker, prizes, proxy, request):
    seed, total = request.config.getoption("--seed"), request.config.getoption("--answers")
    print(f"--answers {total} --seed {seed}")
    random = Random(seed)
    mutator, sender = Mutator(Random(f"{seed} mutations")), Sender(queue)
    proxy.on_request = mutator
    mutator.active = True
    workers = [worker.start() for _ in range(WORKERS)]
    memory = {each.process.pid: [] for each in workers[1:]}
    shown = time.monotonic()
    while mutator.count.total() < total or OPERATIONS - mutator.count.keys():
        for each in workers:
            assert each.is_running, f"a worker ended with {each.process.returncode}\n{each.log()[-6000:]}"
        if queue.size() < 300:
            for _ in range(10):
                sender.send()
        if random.random() < 0.2:
            # A database that is busy: leases are extended.
            with prizes.locked():
                time.sleep(1.5)
        if random.random() < 0.1:
            # One of them begins anew, and so asks for the queue's attributes and its dead-letter queue.
            workers[0].kill()
            workers[0] = worker.start()
        for pid, seen in memory.items():
            seen.append(resident_megabytes(pid))
        time.sleep(0.2)
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"  {dict(mutator.count)}, {len(sender.granted)} sent", flush=True)
    mutator.active = False
    queue.wait_until_empty(120)
    halves = [(max(seen[: len(seen) // 2]), max(seen[len(seen) // 2 :])) for seen in memory.values()]
    print(f"{dict(mutator.count)}; {len(sender.granted)} to grant; MB at most in each half: {halves}", flush=True)

    items, _ = holdings(sender.granted)
    rows = prizes.query("SELECT pending_discord_user_id, item_type_id, sum(quantity) FROM items GROUP BY 1, 2")
    assert {("pending", *row[:2]): row[2] for row in rows} == dict(items)
    letters = queue.dead_letters()
    # One whose answer was lost may have been sent twice.
    assert {letter.body for letter in letters} == sender.bad
    assert all(letter.failure for letter in letters), "dead-lettered by the worker, and not by the redrive policy"
    for each in workers:
        # The first may have been started again a moment ago, and signals would only kill it.
        wait_until_logged(each, "consumer started")
        each.stop(deadline=20)
    assert all(late < 1.2 * early + 20 for early, late in halves), f"it grows: {halves} MB"
