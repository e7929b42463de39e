"""Handlers that block their threads, as many as the machine has cores: the worker's own work goes on."""

import time

import pytest

from support import takes_at_most, wait_until
from support.admin import Admin
from support.trials import CORES, trial

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def queue(make_queue):
    return make_queue(visibility_timeout=6)


@pytest.fixture
def trials(trials):
    # Slots for all of a test's events, on a machine of however many cores.
    trials.settings.update(visibilityTimeout="6s", concurrency=8 * CORES)
    return trials


def block(trials, queue, seconds, *arguments, count=CORES):
    """Starts a worker all of whose threads for handlers are blocked."""
    messages = [queue.send(trial(number, blockSeconds=seconds)) for number in range(count)]
    running = trials.start("--admin", "0", *arguments)
    admin = Admin(running)
    wait_until(lambda: running.log().count("trial begins") >= min(count, CORES), "the threads are blocked")
    return running, admin, messages


def test_leases_are_kept_and_health_and_metrics_are_answered(trials, queue):
    # More than there are threads: those that wait for one keep their leases, too.
    running, admin, messages = block(trials, queue, 12, count=2 * CORES)
    for message in messages:
        queue.wait_until_received(message)
    # The queue knows of a receive before the worker does.
    wait_until(lambda: admin.value("worker_messages_in_flight") == 2 * CORES or trials.recorded, "all are in hand")
    while len(trials.recorded) < CORES:
        assert [queue.receive_count(message) for message in messages] == [1] * len(messages)
        assert admin.get("/health/live").status == 200
        in_flight = admin.value("worker_messages_in_flight")
        # One may have been handled meanwhile.
        assert in_flight == 2 * CORES or trials.recorded
        time.sleep(0.5)
    wait_until(lambda: len(trials.recorded) == 2 * CORES, "all are handled", deadline=120)
    queue.wait_until_empty()
    assert len(trials.recorded) == 2 * CORES
    running.stop()


def test_the_timeout_comes_and_a_stuck_handler_is_reported(trials, queue):
    trials.routes["defaults"]["timeout"] = "1s"
    running, _, _ = block(trials, queue, 300)
    wait_until(lambda: "exceeded its route's timeout" in running.log(), "the timeout comes")
    wait_until(lambda: "ignores its cancellation and keeps its slot" in running.log(), "it is reported")
    running.kill()


def test_a_stop_gives_the_messages_back(trials, queue):
    running, _, messages = block(trials, queue, 300, "--shutdown-deadline", "1s", count=2 * CORES)
    running.terminate()
    with takes_at_most(60, "ending beside blocked handlers"):
        assert running.wait() == 0
    assert running.log().count("a handler ignores its cancellation; its message is made visible again") == CORES
    assert {message.id for message in queue.receive()} == set(messages)


def test_a_second_signal_ends_the_process(trials, queue):
    running, _, _ = block(trials, queue, 300, "--shutdown-deadline", "300s")
    running.terminate()
    wait_until(lambda: "a second signal exits at once" in running.log(), "the first is heeded")
    # A signal that comes again within half a second is an echo of the first.
    time.sleep(1)
    running.terminate()
    with takes_at_most(10, "ending by the second signal"):
        assert running.wait() == 143


def test_code_that_is_said_to_block_holds_up_no_other_handler(trials, queue):
    trials.routes["threads"] = {"blocking": 4 * CORES}
    for number in range(4 * CORES):
        queue.send(trial(f"blocking-{number}", runBlockingSeconds=8))
    running = trials.start()
    wait_until(lambda: running.log().count("trial begins") == 4 * CORES, "all of them run")
    for number in range(10):
        queue.send(trial(f"prompt-{number}"))
    wait_until(lambda: len(trials.recorded) == 4 * CORES + 10, "all are handled")
    assert [name.partition("-")[0] for name in trials.recorded[:10]] == ["prompt"] * 10
    running.stop()


def test_a_limit_that_is_none_is_named(trials):
    trials.routes["threads"] = {"blocking": 0, "blokcing": 1}
    finished = trials.command("check", "--routes", trials.write_routes())
    assert finished.code == 78
    assert "threads.blocking must be from 1 to 1000" in finished.stderr
    assert "did you mean `blocking`?" in finished.stderr
