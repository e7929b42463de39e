"""Workers die while they post events to a receiver that fails at random: each event arrives, and is one event by its key."""

import json
import threading
import time
from collections import Counter, defaultdict
from random import Random

from support.proxy import Proxy
from support.queue import Queue
from support.receiver import Answer, Receiver, reset
from support.server import LocalQueueServer
from support.sqs import client, create_queue
from support.torment import VISIBILITY, Again, Processes
from support.worker import Worker

WORKERS = 3
OFTEN = 1000


def test_every_event_arrives_at_a_webhook(server, binary, tmp_path, request):
    sqs = client(server.endpoint)
    total = min(request.config.getoption("--events") or 400, 2000)
    if not isinstance(server, LocalQueueServer):
        total = min(total, 150)
    seed = request.config.getoption("--seed")
    random = Random(f"{seed} webhook")
    url, letters = create_queue(sqs, f"hooks-{seed:x}", max_receive_count=OFTEN, visibility_timeout=VISIBILITY)
    queue = Queue(sqs, server, url, letters)
    receiver = Receiver()
    worker = Worker(binary, tmp_path, url)
    proxy = Proxy(server.endpoint)
    proxy.on_request = again = Again(Random(f"{seed} again"))
    worker.environment["AWS_ENDPOINT_URL_SQS"] = proxy.endpoint
    del worker.routes["plugins"]
    worker.settings.update({"visibilityTimeout": f"{VISIBILITY}s", "maxReceiveCount": OFTEN, "concurrency": 8})
    options = {"url": f"{receiver.address}/", "privateNetwork": True, "retryAfterMax": "1s"}
    worker.routes["routes"] = {"WON": {"handler": "http.post", "timeout": "3s", "with": options}}

    lock, kept, attempts = threading.Lock(), defaultdict(list), Counter()
    names = Random(f"{seed} receiver")

    def respond(delivery):
        with lock:
            kind = names.random()
            attempts[delivery.key] += 1
            # What it has done stands, though its answer does not come.
            if kind > 0.12:
                kept[delivery.key].append(delivery)
            if kind < 0.04:
                return Answer(500)
            if kind < 0.08:
                return Answer(429, Retry_After="1")
            if kind < 0.12:
                return reset
            if kind < 0.16:
                return reset
            if kind < 0.17:
                return lambda handler: receiver.stopped.wait(5)
            return Answer(204)

    receiver.respond = respond
    processes = Processes(worker)
    try:
        for _ in range(WORKERS):
            processes.start()
        numbers = list(range(total)) + random.choices(range(total), k=total // 10)
        deeds = [processes.kill, processes.terminate, processes.freeze, processes.kill]
        if isinstance(server, LocalQueueServer):
            deeds.append(lambda _: (server.kill(), server.start()))
        for sent, number in enumerate(numbers):
            body = json.dumps({"eventType": "WON", "number": number})
            queue.send(body, {"IdempotencyKey": f"win-{number} é"})
            processes.thaw()
            processes.check()
            if sent % max(1, len(numbers) // 12) == 5:
                random.choice(deeds)(random)
                time.sleep(random.uniform(0.1, 0.5))
        processes.thaw(at_once=True)
        queue.wait_until_empty(120 + total / 5)
        processes.check()
        processes.stop()
    finally:
        receiver.close()
        worker.close()
        proxy.close()

    assert queue.dead_letters() == []
    expected = {f'"WON/producer:win-{number} %C3%A9"': number for number in range(total)}
    # At least once each, and exactly once by its key: no key stands for two events, and no event has two.
    assert set(kept) == set(expected)
    for key, deliveries in kept.items():
        assert {delivery.json["number"] for delivery in deliveries} == {expected[key]}
        assert len({delivery.headers["webhook-id"] for delivery in deliveries}) == 1
    ids = {deliveries[0].headers["webhook-id"] for deliveries in kept.values()}
    assert len(ids) == total
    print(f"{sum(attempts.values())} requests for {total} events, {again.count} repeated, seed {seed}", flush=True)
