"""/metrics of a running worker, read by Prometheus's own tools and parsers."""

import re

import pytest

from support import wait_until
from support.admin import Admin
from support.events import UNLINKED, example
from support.prometheus import Prometheus, promtool


@pytest.fixture
def admin(worker, prizes):
    return Admin(worker.start("--admin", "0"))


def test_both_formats_are_what_they_say_and_say_the_same(admin, queue, prizes):
    queue.send(example("item-awarded"))
    prizes.wait_for(UNLINKED)
    wait_until(lambda: admin.value("worker_messages_settled_total"), "it is counted")
    # A series can begin between the two, such as that of the first receive that brings nothing.
    wait_until(lambda: admin.metrics().keys() == admin.metrics(openmetrics=True).keys(), "both have the same series")
    assert admin.get("/metrics").headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    asked = admin.get("/metrics", Accept="application/openmetrics-text")
    assert asked.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert asked.body.endswith(b"# EOF\n")


def test_promtool_finds_nothing_to_mend(admin, queue, prizes):
    queue.send(example("item-awarded"))
    prizes.wait_for(UNLINKED)
    code, said = promtool("check", "metrics", input=admin.exposition())
    assert (code, said) == (0, "")


def test_each_metric_has_help_and_a_type_and_no_series_comes_twice(admin):
    text = admin.exposition()
    helps = re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE)
    assert sorted(name for name, _ in helps) == sorted(re.findall(r"^# TYPE (\S+) \S+$", text, re.MULTILINE))
    series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_the_process_is_measured(admin):
    assert admin.value("process_cpu_seconds_total") > 0
    assert admin.value("process_resident_memory_bytes") > 1_000_000
    before = admin.value("process_uptime_seconds")
    wait_until(lambda: admin.value("process_uptime_seconds") > before, "time goes by")


def test_the_depths_of_the_queue_and_its_dead_letter_queue_are_measured(worker, queue, prizes):
    queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="{}")
    for _ in range(3):
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody="{}", DelaySeconds=600)
    admin = Admin(worker.start("--admin", "0"))
    labels = {"messaging_destination_name": queue.name}
    wait_until(lambda: admin.value("worker_dead_letters", **labels) == 1, "the dead letter is counted")
    wait_until(lambda: admin.value("worker_queue_messages", state="delayed", **labels) == 3, "the queue's are counted")
    assert admin.value("worker_queue_messages", state="visible", **labels) == 0
    assert admin.value("worker_queue_messages", state="in_flight", **labels) == 0


def test_prometheus_scrapes_it_and_answers(admin, tmp_path):
    prometheus = Prometheus(tmp_path, admin.endpoint)
    try:
        # Of all its scrapes, some may come too late for it.
        def is_up():
            return [(each["health"], each["lastError"]) for each in prometheus.targets()] == [("up", "")]

        wait_until(is_up, "prometheus has scraped the worker")
        age = "time() - process_start_time_seconds"
        [seconds] = wait_until(lambda: prometheus.query(age), "prometheus answers").values()
        assert 0 <= seconds < 600
    finally:
        prometheus.close()


def test_without_a_port_nothing_is_served(worker, prizes, queue):
    running = worker.start()
    queue.send(example("item-awarded"))
    prizes.wait_for(UNLINKED)
    assert "metrics and health are served" not in running.log()
