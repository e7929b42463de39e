"""Records each event once by its key, and is as unreliable as a program can be: modes `worker` and `once`."""

import json
import os
import random
import signal
import sqlite3
import sys
import time

database = sqlite3.connect(os.environ["LEDGER"], timeout=60, isolation_level=None)
with open(os.environ["PIDS"], "a") as pids:
    pids.write(f"{os.getpid()}\n")


def misfortune():
    chance = random.random()
    if chance < 0.03:
        os.kill(os.getpid(), signal.SIGKILL)
    elif chance < 0.05:
        # In mode `once` 0 would say that it is handled.
        os._exit(sys.argv[1] == "once")
    elif chance < 0.07:
        time.sleep(600)
    elif chance < 0.09:
        print("this is no answer", flush=True)


def handle(key, body):
    misfortune()
    database.execute("INSERT INTO attempts (name) VALUES (?)", [body["name"]])
    database.execute("INSERT OR IGNORE INTO prizes (key, name) VALUES (?, ?)", [key, body["name"]])
    misfortune()


if sys.argv[1] == "once":
    handle(os.environ["EVENT_IDEMPOTENCY_KEY"], json.loads(sys.stdin.read()))
else:
    for line in sys.stdin:
        event = json.loads(line)
        handle(event["idempotencyKey"], event["body"])
        print(json.dumps({"id": event["id"], "outcome": "handled"}), flush=True)
