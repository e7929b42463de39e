"""A plugin that runs something beside the consumers."""

import pytest

from support import wait_until
from support.trials import trial

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def served(trials):
    trials.routes["routes"] = {"TRIAL": {"handler": "served.do"}}
    return trials


def test_it_is_cancelled_when_what_is_in_hand_is_finished(served, queue):
    queue.send(trial("one", waitSeconds=2))
    running = served.start("--log-format", "json")
    wait_until(lambda: "trial begins" in running.log(), "the event is handled")
    running.stop()
    log = running.log()
    assert served.recorded == ["one"]
    assert log.index("the service begins") < log.index("event handled") < log.index("the service is cancelled")


def test_its_failure_ends_the_worker_after_what_is_in_hand(served, queue):
    queue.send(trial("one", waitSeconds=2))
    running = served.start()
    wait_until(lambda: "trial begins" in running.log(), "the event is handled")
    served.down.touch()
    assert running.wait() == 1
    assert served.recorded == ["one"]
    assert queue.size() == 0
    assert "there is a file at TRIAL_DOWN" in running.log()
