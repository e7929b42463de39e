"""Takes pictures of the console, for docs/console.md: of a worker that has something to show.

    .venv/bin/python scripts/console_screenshots.py .build/debug/worker docs/images [--all FOLDER]

With --all it takes each page in both themes, at 390 and at 1,440 pixels, for whoever looks over the console.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Tests/Integration"), str(ROOT / "scripts")]

from support import wait_until  # noqa: E402
from support.browser import Browser  # noqa: E402
from support.console import Console  # noqa: E402
from support.events import CATALOG, LINKED, character, item, somebody  # noqa: E402
from support.prizes import Prizes  # noqa: E402
from support.queue import Queue  # noqa: E402
from support.server import LocalQueueServer  # noqa: E402
from support.sqs import client, create_queue  # noqa: E402
from support.worker import Worker  # noqa: E402


def fill(queue, console):
    for number in range(20):
        queue.send(item(user=LINKED, quantity=number % 3 + 1))
    for number in range(60):
        queue.send(item(user=somebody(number % 12), quantity=number % 5 + 1))
    for number in range(6):
        queue.send(item(type=f"coin-{number}"))
        queue.send(character(f"hero-{number}"))
    for _ in range(3):
        queue.send(item(quantity=-1))
    queue.send({"eventType": "ITEM_AWARED", "note": "a slip"})
    wait_until(lambda: len(console.api("/api/flow?limit=1000")["events"]) >= 96, "all were handled")


def work(queue, console):
    """Two minutes of more and less load, for the sparklines."""
    second = 0
    while len(console.api("/api/overview")["queues"][0]["hour"]) < 13:
        second += 1
        for number in range(1 + abs(second % 40 - 20)):
            queue.send(item(user=somebody(number), quantity=1 if second % 9 or number else -1))
        time.sleep(1)


def pages(console, queue):
    console.refresh()
    groups = console.seen()["groups"]
    letter = console.seen(f"&group={groups[0]['key']}")["deadLetters"][0]["id"]
    plan = console.api("/api/plans", {"action": "redrive", "group": groups[0]["key"]}, status=201)["id"]
    edited = json.dumps(item(quantity=3))
    edit = console.api("/api/plans", {"action": "redrive", "ids": [letter], "body": edited}, status=201)["id"]
    other = console.api("/api/plans", {"action": "redrive", "group": groups[-1]["key"]}, status=201)["id"]
    job = console.api(f"/api/plans/{other}/confirm", {}, status=202)["id"]
    console.finish(job)
    console.carry_out(action="discard", ids=[console.seen(f"&group={groups[1]['key']}")["deadLetters"][0]["id"]])
    plugins = [path for path in console.page("/").split('"') if path.startswith("/plugins/")]
    return {
        "overview": "/", "flow": "/flow", "routes": "/routes", "dead-letters": "/dead-letters",
        "dead-letter": f"/dead-letters/{queue.name}/{letter}", "plan": f"/plans/{plan}", "edit": f"/plans/{edit}",
        "job": f"/jobs/{job}", "jobs": "/jobs", "discarded": "/discarded", "audit": "/audit",
        **{path.rsplit("/", 1)[-1]: path for path in plugins}, "holdings": f"/plugins/prizes/holdings?id={LINKED}",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", type=Path)
    arguments = parser.parse_args()
    os.environ["WORKER_BINARY"] = arguments.binary
    binary = str(Path(arguments.binary).resolve())
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="example-") as folder, LocalQueueServer(binary, Path(folder)) as server:
        sqs = client(server.endpoint)
        queue = Queue(sqs, server, *create_queue(sqs, "prizes"))
        (Path(folder) / "worker").mkdir()
        worker = Worker(binary, Path(folder) / "worker", queue.url)
        worker.routes["admin"] = {"port": 0, "traceLink": "http://localhost:16686/trace/{traceId}"}
        Prizes(worker).import_catalog(CATALOG)
        console = Console(worker.start()).ready()
        browser = Browser()
        try:
            fill(queue, console)
            work(queue, console)
            found = pages(console, queue)
            take(browser, console, found, arguments)
        finally:
            browser.close()
            worker.close()


def take(browser, console, found, arguments):
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in ["overview", "dead-letters", "dead-letter"]:
        browser.look_like(1280, 900)
        browser.open(f"http://{console.address}{found[name]}")
        browser.screenshot(arguments.folder / f"console-{name}.png")
    if not arguments.all:
        return
    arguments.all.mkdir(parents=True, exist_ok=True)
    for name, path in found.items():
        for width in (390, 1440):
            for theme in ("light", "dark"):
                browser.look_like(width, 1000, dark=theme == "dark")
                browser.open(f"http://{console.address}{path}")
                browser.screenshot(arguments.all / f"{name}-{width}-{theme}.png")


if __name__ == "__main__":
    main()
