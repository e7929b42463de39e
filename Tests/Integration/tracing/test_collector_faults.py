"""A collector that is busy, wrong or away costs spans, and neither messages nor the worker's good end."""

import socket

import pytest

from support import takes_at_most, wait_until
from support.events import COIN, item, somebody

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def test_a_busy_collector_gets_the_same_spans_again(queue, worker, prizes, receiver):
    receiver.answers = [(503, {"Retry-After": "1"}), (429, {"Retry-After": "1"})]
    queue.send(item())
    worker.run_until_empty()
    assert receiver.requests >= 3
    assert len(receiver.named("sqs.process_message")) == 1


def test_what_a_collector_refuses_is_not_sent_again(queue, worker, prizes, receiver):
    receiver.answers = [(400, {})] * 100
    queue.send(item())
    finished = worker.run_until_empty()
    assert receiver.spans == []
    assert "traces cannot be exported" in finished.stderr
    assert finished.stderr.count("traces cannot be exported") == 1


def test_what_a_collector_took_in_part_is_told(queue, worker, prizes, receiver):
    receiver.rejects = (1, "spans from the future")
    queue.send(item())
    assert "spans from the future" in worker.run_until_empty().stderr


@pytest.fixture
def closed_port():
    """Nobody listens there, and nobody else can in the meantime."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("end", ["by itself", "by a signal"])
def test_without_a_collector_everything_is_handled(end, queue, worker, prizes, closed_port):
    worker.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{closed_port}"
    worker.environment["OTEL_BSP_SCHEDULE_DELAY"] = "100"
    for number in range(20):
        queue.send(item(somebody(number)))
    if end == "by itself":
        with takes_at_most(30, "a run of 20 messages without a collector"):
            worker.run_until_empty()
    else:
        running = worker.start()
        queue.wait_until_empty()
        wait_until(lambda: "traces cannot be exported" in running.log(), "the exporter has noticed")
        running.stop(deadline=10)
    assert all(prizes.pending(somebody(number)) == {COIN: 1} for number in range(20))
    assert queue.dead_letters() == []


def test_a_collector_that_never_answers_delays_a_stop_by_its_timeout_at_most(queue, worker, prizes, receiver):
    receiver.answers = ["hold"] * 100
    worker.environment |= {"OTEL_EXPORTER_OTLP_TIMEOUT": "1000", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    running = worker.start()
    queue.send(item())
    queue.wait_until_empty()
    wait_until(lambda: receiver.requests > 0, "an export is under way")
    running.stop(deadline=10)
    assert receiver.spans == []


def test_spans_beyond_the_queue_are_dropped_and_told(queue, worker, prizes, receiver):
    receiver.answers = ["hold"] * 100
    worker.environment |= {
        "OTEL_BSP_MAX_QUEUE_SIZE": "5",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
        "OTEL_BSP_EXPORT_TIMEOUT": "1000",
    }
    for number in range(30):
        queue.send(item(somebody(number)))
    finished = worker.run_until_empty()
    assert "spans were dropped" in finished.stderr
    assert queue.size() == 0


def test_a_stop_sends_what_is_left(queue, worker, prizes, receiver):
    worker.environment["OTEL_BSP_SCHEDULE_DELAY"] = "3600000"
    running = worker.start()
    queue.send(item())
    queue.wait_until_empty()
    assert receiver.requests == 0
    running.stop()
    assert receiver.named("sqs.process_message")
