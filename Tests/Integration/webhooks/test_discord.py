"""The example of docs/handlers.md, against a server that answers as a webhook of Discord's does."""

import json
import re
import threading
import time
from pathlib import Path

import pytest
import yaml

from support.receiver import Answer

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

PAGE = (Path(__file__).parents[3] / "docs/handlers.md").read_text().partition("### Example: announce prizes")[2]
ROUTES = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
EVENT = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
SECRET = "s3cr3t-token-of-the-webhook"


class Discord:
    """Takes so many messages within so many seconds, and refuses what is more."""

    def __init__(self, limit, seconds):
        self.limit = limit
        self.seconds = seconds
        self.channel = []
        self.refused = 0
        self._window = 0.0
        self._used = 0
        self._lock = threading.Lock()

    def __call__(self, delivery):
        with self._lock:
            now = time.monotonic()
            if now >= self._window + self.seconds:
                self._window, self._used = now, 0
            left = self._window + self.seconds - now
            headers = {
                "X_RateLimit_Limit": str(self.limit),
                "X_RateLimit_Remaining": str(max(0, self.limit - self._used - 1)),
                "X_RateLimit_Reset_After": f"{left:.3f}",
                "X_RateLimit_Bucket": "80c17d2f203122d936070c88c8d10f33",
                "Content_Type": "application/json",
            }
            if self._used >= self.limit:
                self.refused += 1
                said = {"message": "You are being rate limited.", "retry_after": round(left, 3), "global": False}
                headers |= {"Retry_After": str(int(left) + 1), "X_RateLimit_Scope": "user"}
                return Answer(429, json.dumps(said), **headers)
            self._used += 1
            self.channel.append(delivery.json["content"])
            if "wait=true" not in delivery.path:
                return Answer(204, **headers)
            return Answer(200, json.dumps({"id": "1300000000000000001", "type": 0, **delivery.json}), **headers)


@pytest.fixture
def announce(worker, queue, receiver):
    """Gives the worker the page's routes, and sends the page's event so often."""
    del worker.routes["plugins"]
    worker.environment["DISCORD_WEBHOOK_URL"] = f"{receiver.address}/api/webhooks/1234567890/{SECRET}"

    def announce(count, limits=ROUTES["limits"]):
        routes = json.loads(json.dumps(ROUTES["routes"]))
        for route in routes.values():
            # Discord is on no private network.
            route["with"]["privateNetwork"] = True
        worker.routes |= {"routes": routes, "limits": limits}
        return [queue.send(EVENT | {"content": f"{EVENT['content']} ({number})"}) for number in range(count)]

    return announce


def test_the_limit_keeps_the_worker_below_discords(announce, queue, worker, receiver):
    receiver.respond = discord = Discord(limit=10, seconds=2)
    ids = announce(16)
    running = worker.start()
    queue.wait_until_empty()
    running.stop()
    assert len(set(discord.channel)) == len(discord.channel) == 16
    assert discord.refused == 0
    assert queue.dead_letters() == []
    assert running.attempts() == dict.fromkeys(ids, 1)
    assert receiver.deliveries[0].json["allowed_mentions"] == EVENT["allowed_mentions"]


def test_above_it_the_worker_waits_as_long_as_discord_asks(announce, queue, worker, receiver):
    receiver.respond = discord = Discord(limit=5, seconds=2)
    announce(20, limits={"discord": {"rate": "1000/s", "burst": 1000}})
    running = worker.start()
    queue.wait_until_empty(deadline=120)
    running.stop()
    assert len(set(discord.channel)) == len(discord.channel) == 20
    # Not once for each event and window, as it would be without a pause.
    assert 1 <= discord.refused <= 20 + 16
    assert queue.dead_letters() == []


def test_a_webhook_that_was_deleted(announce, queue, worker, receiver):
    said = {"message": "Unknown Webhook", "code": 10015}
    receiver.respond = lambda delivery: Answer(404, json.dumps(said), Content_Type="application/json")
    announce(1)
    finished = worker.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == "badRequest" and "404" in failure["message"]
    assert json.loads(failure["received"]) == said
    assert SECRET not in json.dumps(failure) + finished.output
