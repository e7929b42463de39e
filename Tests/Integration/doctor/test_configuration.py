"""routes.yaml, and what is looked at when it is wrong."""

import pytest

# What the queue is does not matter here.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def test_every_problem_and_the_rest_all_the_same(doctor, worker, prizes):
    worker.settings["maxMesages"] = 3
    worker.routes["routes"]["ITEM_AWARDED"]["handler"] = "prizes.itm"
    report = doctor()
    assert report.code == 78
    problems = [finding["message"] for finding in report.of("configuration")]
    assert ["maxMessages" in problems[0], "prizes.item" in problems[1]] == [True, True]
    assert report.one("credentials", "ok") and report.of("plugin")


def test_a_file_that_is_not_there(worker, prizes):
    shown = worker.command("doctor", "--routes", "elsewhere.yaml")
    assert shown.code == 78
    assert "elsewhere.yaml" in shown.stdout and "credentials" in shown.stdout


def test_no_queue_url(doctor, worker, prizes):
    del worker.environment["AWS_SQS_QUEUE_URL"]
    report = doctor()
    assert report.code == 78
    assert report.one("configuration", "wrong")["remedy"][0].startswith("export AWS_SQS_QUEUE_URL=https://sqs.")


def test_a_queue_that_is_switched_off(doctor, worker, prizes):
    worker.environment |= {"AWS_SQS_ENABLED": "false", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9"}
    report = doctor()
    assert report.code == 0
    disabled = [finding for finding in report.of("configuration") if "disabled" in finding["message"]]
    assert disabled[0]["status"] == "warning" and disabled[0]["remedy"] == ["export AWS_SQS_ENABLED=true"]
    assert report.of("queue") == []


def test_a_region_that_is_not_the_urls(doctor, worker, prizes):
    # Nothing is to leave this machine.
    worker.environment |= {
        "AWS_SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/prizes",
        "https_proxy": "http://127.0.0.1:9",
    }
    report = doctor()
    assert report.code == 1
    assert report.one("configuration", "wrong")["remedy"][0].startswith("export AWS_REGION=eu-west-1")


class TestSeveralQueues:
    @pytest.fixture
    def worker(self, worker, make_queue):
        worker.routes["queues"]["more"] = {**worker.settings, "url": make_queue().url}
        return worker

    def test_all_are_looked_at(self, doctor, prizes):
        assert [finding["name"] for finding in doctor().of("queue")] == ["prizes", "more"]

    def test_or_the_one_that_is_named(self, doctor, prizes):
        assert [finding["name"] for finding in doctor("--queue", "more").of("queue")] == ["more"]

    def test_a_name_that_is_none(self, worker, prizes):
        shown = worker.command("doctor", "--routes", worker.write_routes(), "--queue", "nothing").failed()
        assert "prizes, more" in shown.stderr
