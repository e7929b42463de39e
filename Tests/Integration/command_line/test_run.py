"""`worker run`: what it says when it cannot run, or need not."""

import socket
from types import SimpleNamespace

import pytest

from support import wait_until
from support.admin import Admin
from support.events import UNLINKED, COIN, example


def test_a_disabled_queue_is_left_alone(worker, queue, prizes):
    queue.send(example("item-awarded"))
    worker.environment["AWS_SQS_ENABLED"] = "false"
    worker.command("run", "--routes", worker.write_routes(), "--until-empty").succeeded()
    assert queue.size() == 1


def test_a_queue_that_does_not_exist_is_named(worker):
    worker.environment["AWS_SQS_QUEUE_URL"] += "-nowhere"
    finished = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
    assert worker.environment["AWS_SQS_QUEUE_URL"].rsplit("/", 1)[-1] in finished.stderr


class TestAStartThatFailsMakesNothing:
    @pytest.fixture(autouse=True)
    def nothing(self, worker):
        yield
        assert sorted(path.name for path in worker.folder.iterdir()) == ["routes.yaml"]

    def test_no_such_queue(self, worker):
        worker.environment["AWS_SQS_QUEUE_URL"] += "-nowhere"
        worker.command("run", "--routes", worker.write_routes()).failed()

    def test_a_port_that_is_taken(self, worker):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            failed = worker.command("run", "--admin", port, "--routes", worker.write_routes()).failed()
        assert f"port {port} of 127.0.0.1 is in use" in failed.stderr


def test_one_of_several_queues_that_does_not_exist_ends_it(worker, queue, prizes):
    worker.routes["queues"]["other"] = {**worker.settings, "url": f"{queue.url}-none"}
    running = worker.start()
    assert running.wait() == 1
    assert f"{queue.name}-none" in running.log()


def test_it_says_that_it_has_started_without_a_redrive_policy_too(worker, queue, prizes, sqs):
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
    finished = worker.run_until_empty()
    assert "no redrive policy" in finished.stderr
    assert "consumer started" in finished.stderr


def test_an_empty_queue_ends_it(worker, prizes):
    worker.run_until_empty()


def test_the_endpoint_of_the_environment_wins_over_the_url(worker, queue, prizes, server):
    queue.send(example("item-awarded"))
    path = queue.url.removeprefix(server.endpoint)
    worker.environment["AWS_SQS_QUEUE_URL"] = f"https://sqs.us-east-1.amazonaws.com{path}"
    worker.environment["AWS_ENDPOINT_URL"] = server.endpoint
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 5}


def test_routes_yaml_is_read_from_the_working_directory(worker, queue, prizes):
    queue.send(example("item-awarded"))
    worker.write_routes()
    worker.command("run", "--until-empty").succeeded()
    assert prizes.pending(UNLINKED) == {COIN: 5}


class TestWithoutAQueue:
    @pytest.fixture
    def queue(self):
        """Nobody calls it, so no server is started."""
        return SimpleNamespace(url="http://127.0.0.1:9/000000000000/nowhere")

    @pytest.mark.parametrize("arguments", [[], ["--until-empty"]], ids=["run", "until empty"])
    def test_a_disabled_queue_is_said_and_is_no_error(self, arguments, worker):
        del worker.environment["AWS_SQS_QUEUE_URL"]
        worker.environment["AWS_SQS_ENABLED"] = "false"
        finished = worker.command("run", "--routes", worker.write_routes(), *arguments).succeeded()
        assert "disabled" in finished.output

    def test_a_missing_queue_url_names_the_variable(self, worker):
        del worker.environment["AWS_SQS_QUEUE_URL"]
        finished = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
        assert "AWS_SQS_QUEUE_URL" in finished.stderr

    def test_missing_credentials_are_said(self, worker):
        del worker.environment["AWS_ACCESS_KEY_ID"], worker.environment["AWS_SECRET_ACCESS_KEY"]
        finished = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
        assert "AWS_ACCESS_KEY_ID" in finished.stderr
        assert not worker.database.exists()

    @pytest.mark.parametrize(
        ("command", "mentions"),
        [
            ([], ["run", "check", "doctor", "send", "dead-letters", "prizes"]),
            (["run"], ["--routes", "--until-empty", "--shutdown-deadline"]),
            (["check"], ["--routes"]),
            (["doctor"], ["--routes", "--queue", "--json", "78"]),
            (["send"], ["--count"]),
            (["prizes"], ["import", "holdings"]),
            (["prizes", "import"], ["--routes"]),
            (["prizes", "holdings"], ["--user", "--json"]),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else None,
    )
    def test_help(self, command, mentions, worker):
        shown = worker.command(*command, "--help").succeeded().stdout
        assert [word for word in mentions if word not in shown] == []


def test_until_empty_says_that_it_waits_for_a_plugin(worker, queue, prizes):
    """Nothing else would say why it does not end."""
    queue.send(example("item-awarded"), DelaySeconds=900)
    running = worker.start("--until-empty", "--admin", "0")
    wait_until(lambda: Admin(running).readiness()[0] == 200, "it receives, for a message is delayed")
    with prizes.locked():
        queue.send(example("item-awarded"))
        wait_until(lambda: "--until-empty waits for the plugin prizes, which is down" in running.log(), "it says so")
        running.terminate()
        assert running.wait() == 75
