"""Thousands of messages drawn at random: none of them stops the worker, and none is lost. `--bodies 50000` for more."""

import base64
import hashlib
from collections import Counter
from random import Random

import pytest

from support import wait_until
from support.hostile import LARGE, MIB, Fuzzer
from support.http import Http
from support.memory import resident_megabytes

# moto is too slow for thousands.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

ROUNDS = 4


# Short, for what is left for the redrive policy; and long enough for a machine that is busy with other tests as well. Whoever
# loses a lease three times has its message moved, handled or not.
VISIBILITY = 6


@pytest.fixture
def queue(make_queue):
    return make_queue(visibility_timeout=VISIBILITY)


@pytest.fixture
def worker(worker):
    worker.settings["visibilityTimeout"] = f"{VISIBILITY}s"
    worker.routes["defaults"]["timeout"] = "5s"
    return worker


class Sender:
    """Sends in batches, and remembers what was taken, by its id."""

    def __init__(self, server, queue):
        self.taken = {}
        self.refused = Counter()
        self._http = Http(server.endpoint)
        self._url = queue.url

    def send(self, messages):
        batch, size = [], 0
        for message in messages:
            if batch and (len(batch) == 10 or size + message.size > MIB):
                self._send(batch)
                batch, size = [], 0
            batch.append(message)
            size += message.size
        self._send(batch)

    def _send(self, batch):
        entries = [message.entry(number) for number, message in enumerate(batch)]
        answer = self._http.json("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries})
        assert answer.status in (200, 400), answer
        if answer.status == 400 and len(batch) > 1:
            # One spoils them all.
            for message in batch:
                self._send([message])
            return
        sent = answer.json.get("Successful", []) if answer.status == 200 else []
        if answer.status == 400:
            self.refused[answer.json["__type"].rpartition("#")[2]] += 1
        else:
            self.refused.update(each["Code"] for each in answer.json.get("Failed", []))
        self.taken |= {each["MessageId"]: batch[int(each["Id"])] for each in sent}


def on_the_wire(body):
    """Two halves of a surrogate pair that met by chance are one character in JSON."""
    return body.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def test_every_one_is_handled_or_becomes_a_dead_letter(server, queue, worker, prizes, request):
    seed, total = request.config.getoption("--seed"), request.config.getoption("--bodies")
    print(f"--bodies {total} --seed {seed}")
    fuzzer, sender = Fuzzer(Random(seed)), Sender(server, queue)
    running = worker.start()
    memory = []
    for number in range(ROUNDS):
        numbers = range(number * total // ROUNDS, (number + 1) * total // ROUNDS)
        sender.send(fuzzer.draw(each) for each in numbers)
        sender.send(fuzzer.large(total + number * len(LARGE) + kind, kind) for kind in range(len(LARGE)))
        wait_until(lambda: nothing_waits(queue) or not running.is_running, "all were received", 60 + total / 50)
        assert running.is_running, f"the worker ended with {running.process.returncode}"
        memory.append(resident_megabytes(running.process.pid))
    queue.wait_until_empty(deadline=240)
    running.stop()
    print(f"{len(sender.taken)} were taken, refused were {dict(sender.refused)}; the worker's memory in MB: {memory}")

    handled = {key for (key,) in prizes.query("SELECT key FROM handled_events")}
    letters = {}
    for letter in queue.dead_letters():
        number = letter.attributes.get("case")
        id = letter.failure["messageId"] if number is None and letter.failure else letter.id
        letters[int(number) if number else sender.taken[id].number] = letter
    lost, both = [], []
    for id, message in sender.taken.items():
        outcomes = (not handled.isdisjoint(keys(id, message))) + (message.number in letters)
        if outcomes != 1:
            (both if outcomes else lost).append((id, message))
    assert lost == [], "neither handled nor dead-lettered"
    assert both == [], "handled and dead-lettered"
    bodies = {message.number: on_the_wire(message.body) for message in sender.taken.values()}
    changed = [number for number, letter in letters.items() if letter.body != bodies[number]]
    assert changed == []
    assert sender.taken and handled and letters
    assert_is_bounded(memory)


def nothing_waits(queue):
    """Nothing but what cannot be dead-lettered with its failure, and is left for the redrive policy."""
    name = "ApproximateNumberOfMessages"
    counts = queue.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=[name])["Attributes"]
    return int(counts[name]) == 0


def keys(id, message):
    """Under which the worker may know it."""
    yield f"message:{id}"
    attribute = message.attributes.get("IdempotencyKey", {})
    if key := attribute.get("StringValue"):
        yield f"producer:{key}"
        yield f"producer-sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    if key := attribute.get("BinaryValue"):
        yield f"producer-binary:{key}"
        yield f"producer-binary-sha256:{hashlib.sha256(base64.b64decode(key)).hexdigest()}"
    yield f"message:forged-{message.number}"


def assert_is_bounded(memory):
    """The rounds are alike: what is needed for one is enough for the others."""
    assert max(memory[2:]) < 1.3 * max(memory[:2]) + 30, f"it grows from round to round: {memory} MB"
