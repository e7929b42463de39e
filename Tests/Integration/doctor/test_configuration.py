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


# Nothing is to leave this machine.
NO_WAY_OUT = {"https_proxy": "http://127.0.0.1:9"}
IN_EU_WEST_1 = [
    "https://sqs.eu-west-1.amazonaws.com/123456789012/prizes",
    "https://sqs-fips.eu-west-1.amazonaws.com/123456789012/prizes",
    "https://sqs.eu-west-1.api.aws/123456789012/prizes",
    "https://eu-west-1.queue.amazonaws.com/123456789012/prizes",
    "https://vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com/123456789012/prizes",
]


@pytest.mark.parametrize("url", IN_EU_WEST_1)
def test_a_region_that_is_not_the_urls(doctor, worker, prizes, url):
    worker.environment |= {"AWS_SQS_QUEUE_URL": url, **NO_WAY_OUT}
    report = doctor()
    assert report.code == 1
    assert report.one("configuration", "wrong")["remedy"][0].startswith("export AWS_REGION=eu-west-1")
    checked = worker.command("check", "--routes", worker.write_routes()).failed()
    assert checked.code == 78
    assert "is in eu-west-1 by its URL, and requests are signed for us-east-1" in checked.output


@pytest.mark.parametrize("source", ["AWS_REGION", "AWS_DEFAULT_REGION", "the profile", "the URL"])
def test_a_region_that_the_file_does_not_say(doctor, worker, prizes, source):
    del worker.settings["region"]
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        del worker.environment[name]
    worker.environment |= {"AWS_SQS_QUEUE_URL": IN_EU_WEST_1[0], **NO_WAY_OUT}
    if source == "the profile":
        (worker.folder / ".aws").mkdir()
        (worker.folder / ".aws" / "config").write_text("[default]\nregion = eu-west-1\n")
    elif source.startswith("AWS_"):
        worker.environment[source] = "eu-west-1"
    assert [finding["status"] for finding in doctor().of("configuration")] == ["ok"]
    worker.command("check", "--routes", worker.write_routes()).succeeded()


@pytest.mark.parametrize("end", ["\n", " ", "\r\n"])
def test_a_url_that_ends_in_white_space(doctor, worker, prizes, end):
    worker.environment["AWS_SQS_QUEUE_URL"] += end
    report = doctor()
    assert report.code in (0, 78), "it is the queue that is meant, or it is said to be none"
    remedies = [line for finding in report.findings for line in finding["remedy"]]
    assert not [line for line in remedies if "create-queue" in line]


def test_a_url_that_ends_in_a_line_break(doctor, worker, queue, prizes):
    worker.environment["AWS_SQS_QUEUE_URL"] += "-nowhere\n"
    create = doctor().one("queue", "wrong")["remedy"][0]
    assert f"--queue-name {queue.name}-nowhere " in create and "\n" not in create


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"])
def test_an_endpoint_that_is_none(name, doctor, worker, prizes):
    worker.environment[name] = "http://127.0.0.1:4566/?x"
    report = doctor()
    assert report.code == 78
    assert f"the environment variable {name} must be an address" in report.one("configuration", "wrong")["message"]


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
