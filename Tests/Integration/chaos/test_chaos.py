"""Everything dies, hangs and comes twice, at random, and then the database is what the events say.

`make chaos ARGS='--events 20000 --seed 7'` runs it for minutes. The seed decides the events and the order of what happens
to the processes; when each thing happens is up to the machine."""

import sqlite3
import time
from collections import Counter
from random import Random

import psycopg

from support import wait_until
from support.chaos import CATALOG, Model
from support.producer import Producer
from support.proxy import Proxy
from support.redrives import Redrives
from support.server import LocalQueueServer
from support.torment import Again, ForeignReader, Processes
from support.verdict import check_database, check_failures, check_letters, check_trials

WORKERS = 3


def test_every_event_is_granted_once(server, store, queues, worker, request):
    # moto sends a hundred a second, and more slowly the more it has.
    is_moto = not isinstance(server, LocalQueueServer)
    total = request.config.getoption("--events") or 1500
    total = min(total, 400) if is_moto else total
    seed = request.config.getoption("--seed")
    print(f"\n{total} events, seed {seed}: make chaos ARGS='--events {total} --seed {seed}'", flush=True)

    prizes = store.prizes
    prizes.import_catalog(CATALOG)
    model = Model(Random(f"{seed} events"), total)
    again = Again(Random(f"{seed} again"))
    proxy = Proxy(server.endpoint)
    proxy.on_request = again
    worker.environment["AWS_ENDPOINT_URL_SQS"] = proxy.endpoint
    bot = Random(f"{seed} batches")
    producer = Producer(server.endpoint, [*queues.values()], model, bot, total, handled_events(prizes))
    processes = Processes(worker)
    outages = store.outages(Random(f"{seed} outages"))
    redrives = Redrives(worker, server.endpoint, [*queues], Random(f"{seed} redrives"))
    seldom = queues.get("seldom")
    reader = ForeignReader(server.endpoint, seldom.url, Random(f"{seed} reader")) if seldom else None
    began = time.monotonic()
    try:
        for _ in range(WORKERS):
            processes.start()
        producer.start()
        redrives.start()
        if reader:
            reader.start()
        happened = torment(
            producer, processes, outages, redrives, None if is_moto else server, Random(f"{seed} torment")
        )
        assert producer.failure is None, producer.failure

        print(f"  all sent after {time.monotonic() - began:.0f} s", flush=True)
        proxy.on_request = lambda operation, body: None
        if reader:
            reader.stop()
        redrives.stop()
        outages.end()
        processes.thaw(at_once=True)
        finish(queues, processes, total)
        print(f"  all handled after {time.monotonic() - began:.0f} s", flush=True)
        redrive_all(queues, redrives, total)
        print(f"  all redriven after {time.monotonic() - began:.0f} s", flush=True)
        # Now only a worker that is slow would lose a lease, and by the third the redrive policy moves its message.
        for settings in worker.routes["queues"].values():
            settings["visibilityTimeout"] = "30s"
        processes.start()
        finish(queues, processes, total)
    finally:
        producer.stopped.set()
        producer.join(30)
        outages.end()
        proxy.close()
        redrives.close()

    moved = sum(None in kinds for kinds in redrives.failures.values())
    print(
        f"{dict(happened)}, {processes.outages()} outages noticed,"
        f" {again.count} messages handed out again in {time.monotonic() - began:.0f} s;"
        f" {len(model.granted)} to grant, {len(model.bad)} bad, {len(model.doubtful)} in doubt,"
        f" {len(model.trials)} that block, {moved} moved by the redrive policy, deduplication ids reused:"
        f" {dict(model.reused)}",
        flush=True,
    )
    check_database(model, prizes)
    check_letters(model, queues.values())
    check_failures(model, redrives.failures)
    check_trials(model, worker)


def torment(producer, processes, outages, redrives, server, random):
    """Until the producer has sent all, and each thing has happened at least once."""
    happened, deck = Counter(), []
    torments = {
        "kill a worker": lambda: processes.kill(random),
        "stop a worker": lambda: processes.terminate(random),
        "freeze a worker": lambda: processes.freeze(random),
        "outage": lambda: outages.begin(),
        "kill the queue": lambda: restart(server),
    }
    if server is None:
        del torments["kill the queue"]
    kinds = [*torments, "kill a worker"]
    others = [outages.happened, redrives.happened]

    def is_missing():
        return len(outages.happened) < len(outages.kinds) or len(redrives.happened) < 2

    shown = time.monotonic()
    while not producer.done.is_set() or len(happened) < len(torments) or is_missing():
        time.sleep(random.uniform(0.2, 1.2))
        processes.thaw()
        processes.check()
        outages.check()
        assert redrives.failure is None, redrives.failure
        if not deck:
            deck = random.sample(kinds, len(kinds))
        kind = deck.pop()
        if torments[kind]():
            happened[kind] += 1
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"  {producer.number} sent, {dict(sum(others, happened))}", flush=True)
    return sum(others, happened)


def restart(server):
    server.kill()
    server.start()
    return True


def finish(queues, processes, total):
    def is_done():
        # Those that were started in the last outage's midst have ended.
        processes.check()
        return all(queue.size() == 0 for queue in queues.values())

    wait_until(is_done, "the queues are empty", len(queues) * (120 + total / 100))
    processes.stop()


def redrive_all(queues, redrives, total):
    """Once more, while nobody makes new letters. What a killed redrive had comes back first."""

    def is_done():
        for name, queue in queues.items():
            if queue.dead_letter_count():
                redrives.redrive(name)
        return not any(queue.dead_letter_count() for queue in queues.values())

    wait_until(is_done, "all letters are sent back", 120 + total / 20)


def handled_events(prizes):
    """How many the database has; while it is damaged or gone, how many it had."""
    last = 0

    def count():
        nonlocal last
        try:
            last = prizes.query("SELECT count(*) FROM handled_events")[0][0]
        except (sqlite3.DatabaseError, psycopg.Error):
            pass
        return last

    return count
