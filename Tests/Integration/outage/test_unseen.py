"""Outages that no health check sees: every event fails, and none loses a receive."""

import time

import pytest

from support import wait_until
from support.admin import Admin
from support.events import item, somebody
from support.trials import Trials, trial

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
COUNT = 100


@pytest.fixture
def queue(make_queue):
    # The first receive is the only one.
    return make_queue(visibility_timeout=6, max_receive_count=1)


@pytest.fixture
def trials(binary, tmp_path, queue):
    worker = Trials(binary, tmp_path, queue.url)
    worker.settings.update(visibilityTimeout="6s", maxReceiveCount=1)
    yield worker
    worker.close()


@pytest.mark.parametrize("event_type", ["TRIAL", "GUARDED"], ids=["without a check", "with a check that sees nothing"])
@pytest.mark.parametrize("kind", ["unavailable", "network"])
def test_an_outage_costs_no_receive(event_type, kind, trials, queue):
    trials.outage.touch()
    running = trials.start("--admin", "0")
    admin = Admin(running)
    for number in range(COUNT):
        queue.send(trial(number, event_type, failWhile=str(trials.outage), failKind=kind))
    wait_until(lambda: "the plugin is down" in running.log(), "the circuit breaker opens", deadline=60)
    status, body = admin.readiness()
    assert status == 503
    assert "none has been handled since" in str(body["reasons"])
    assert admin.get("/health/live").status == 200
    # For longer than a visibility timeout.
    time.sleep(10)
    assert queue.size() == COUNT
    trials.outage.unlink()
    queue.wait_until_empty(deadline=120)
    assert sorted(trials.recorded, key=int) == [str(number) for number in range(COUNT)]
    assert queue.dead_letters() == []
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready again")
    running.stop()


def test_one_message_that_always_fails_is_no_outage(trials, queue):
    trials.outage.touch()
    queue.send(trial("poison", failWhile=str(trials.outage)))
    running = trials.start()
    for number in range(COUNT):
        queue.send(trial(number))
    wait_until(lambda: len(trials.recorded) == COUNT, "the others are handled", deadline=60)
    [letter] = queue.wait_for_dead_letters(1)
    assert "poison" in letter.body
    assert "the plugin is down" not in running.log()
    running.stop()


def test_time_outs_behind_a_locked_database_ask_the_plugin(worker, queue, prizes):
    """Events that wait for their batch run into their route's timeout before the database says that it is locked."""
    worker.settings.update(visibilityTimeout="6s", maxReceiveCount=1, concurrency=64)
    worker.routes["defaults"]["timeout"] = "3s"
    running = worker.start()
    queue.send(item(somebody(COUNT)))
    prizes.wait_for(somebody(COUNT))
    with prizes.locked():
        for number in range(COUNT):
            queue.send(item(somebody(number)))
        wait_until(lambda: "the plugin is down" in running.log(), "the worker says that it takes nothing in", deadline=60)
        time.sleep(15)
        assert queue.size() == COUNT
    queue.wait_until_empty(deadline=120)
    assert queue.dead_letters() == []
    assert sum(prizes.waiting_quantity(somebody(number)) for number in range(COUNT)) == COUNT
    running.stop()
