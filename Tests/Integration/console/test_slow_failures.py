"""A redrive whose events fail, and take their time for it."""

import json

import pytest

from support import wait_until
from support.console import Console
from support.trials import Trials, trial


@pytest.fixture
def trials(binary, tmp_path, queue):
    worker = Trials(binary, tmp_path, queue.url)
    worker.settings["concurrency"] = 32
    yield worker
    worker.close()


def test_a_redrive_stops_when_an_event_fails_after_its_stage(trials, queue, tmp_path):
    """A stage is waited for five seconds, and these take a second longer."""
    broken = tmp_path / "broken"
    broken.touch()
    console = Console(trials.start("--admin", "0")).ready()
    count = 130
    for number in range(count):
        event = trial(number, waitSeconds=6, failWhile=str(broken), failKind="validation")
        queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody=json.dumps(event))
    wait_until(lambda: console.refresh()["found"] == count, "they are dead letters")
    done = console.carry_out(action="redrive", all=True)
    assert done["state"] == "stopped" and "failed again" in done["reason"]
    # One, and ten while its outcome was unknown; or one alone, where the wait for it began a second late.
    assert done["gone"] in (11, 1)
    assert done["failedAgain"] >= 1
