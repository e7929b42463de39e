"""`worker dev`: with nothing but the binary and routes.yaml, a newcomer sees prizes granted."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support import takes_at_most, wait_until
from support.worker import Finished, RunningWorker

ROOT = Path(__file__).parents[3]
WINNER = "987654321098765432"


class Dev:
    """A folder with the project's routes.yaml, and nothing else."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        (folder / "routes.yaml").write_text((ROOT / "routes.yaml").read_text())

    def run(self, *arguments, environment=None, timeout=60):
        """Until the queue is empty, on any free port."""
        done = self.command("dev", "--until-empty", "--port", "0", *arguments, environment=environment, timeout=timeout)
        print(done.stdout, done.stderr)
        return done

    def start(self, *arguments):
        command = [self.binary, "dev", "--port", "0", *arguments]
        worker = RunningWorker(command, self.environment, self.folder)
        return worker

    def command(self, *arguments, environment=None, timeout=60):
        done = subprocess.run(
            [self.binary, *arguments],
            env={**self.environment, **(environment or {})},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def shell(self, script):
        """What a person types in another terminal."""
        done = subprocess.run(
            ["bash", "-euc", script], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def holdings(self, user=WINNER):
        database = {"PRIZE_DATABASE": f"sqlite:{self.folder}/.worker/prizes.db"}
        done = self.command("prizes", "holdings", "--user", user, "--json", environment=database)
        return json.loads(done.succeeded().stdout)


@pytest.fixture
def dev(binary, tmp_path):
    return Dev(binary, tmp_path)


@pytest.fixture
def running(dev):
    """One that has told everything, and stays."""
    worker = dev.start()
    wait_until(lambda: "Ctrl-C ends it." in worker.log() or not worker.is_running, "it says what to type next")
    assert worker.is_running, worker.log()
    yield worker
    if worker.is_running:
        worker.kill()
    print(worker.log())


def pending(holdings):
    items = {item["itemTypeId"]: item["quantity"] for item in holdings["items"]["pending"]}
    return items, [character["characterId"] for character in holdings["characters"]["pending"]]


def test_the_first_minute(dev):
    done = dev.run().succeeded()
    assert "5 gold coins for a Discord user: handled" in done.stdout
    assert "the character Mira for the same user: handled" in done.stdout
    assert "an item that does not exist: dead-lettered: notFound: item type cluid000zzz does not exist" in done.stdout
    assert done.stdout.endswith("The queue is empty. By receives: 1 dead-lettered, 2 handled.\n")
    assert pending(dev.holdings()) == ({"cluid123abc": 5}, ["cluid456def"])


def test_the_readme_shows_what_it_prints(dev):
    """But for the address and the binary's path."""
    text = (ROOT / "README.md").read_text()
    shown = re.search(r"<!-- worker dev -->\n\n((?:    .*\n|\n)+)", text)[1]
    shown = [line.removeprefix("    ") for line in shown.splitlines() if line.strip()]
    printed = dev.run().succeeded().stdout.splitlines()
    printed = {re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:4566", line) for line in printed}
    until = shown.index("What to type next, in another terminal:")
    assert [line for line in shown[:until] if line not in printed] == []


def test_it_goes_on_with_the_data_it_had(dev):
    dev.run().succeeded()
    again = dev.run().succeeded()
    assert "It goes on with the data that it had" not in again.stdout, "that is for a person who stays"
    assert again.stdout.endswith("The queue is empty; nothing was received.\n")
    assert pending(dev.holdings()) == ({"cluid123abc": 5}, ["cluid456def"])


def test_what_it_says_to_type_works(dev, running):
    commands = running.log().partition("in another terminal:\n")[2].partition("\n\n")[0]
    source, holdings, send, aws, dead_letters = [line.strip() for line in commands.splitlines()]
    assert "cluid456def" in dev.shell(f"{source}\n{holdings}")
    assert "Sent message" in dev.shell(f"{source}\n{send}")
    wait_until(lambda: pending(dev.holdings())[0] == {"cluid123abc": 10}, "five more are granted")
    dev.shell(f"{source}\n{Path(sys.executable).parent / aws}")
    wait_until(lambda: pending(dev.holdings())[0] == {"cluid123abc": 15}, "and five more")
    shown = dev.shell(f"{source}\n{dead_letters}")
    assert "notFound" in shown and "item type cluid000zzz does not exist" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_it(number, running):
    with takes_at_most(10, "ending an idle worker and its queue"):
        running.signal(number)
        assert running.wait() == 0


def test_nothing_of_the_environment_leads_it_elsewhere(dev):
    """Whoever has a real queue in their shell must not send demo events there."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        done = dev.run(
            environment={
                "AWS_SQS_QUEUE_URL": f"{address}/123456789012/real",
                "AWS_ENDPOINT_URL": address,
                "AWS_ENDPOINT_URL_SQS": address,
                "AWS_PROFILE": "production",
                "AWS_REGION": "eu-central-1",
                "AWS_SQS_ENABLED": "false",
                "PRIZE_DATABASE": f"sqlite:{dev.folder}/real.db",
            }
        ).succeeded()
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert "By receives: 1 dead-lettered, 2 handled" in done.stdout
    assert not (dev.folder / "real.db").exists()


def test_a_database_that_routes_name_gets_no_demo(dev):
    routes = (ROOT / "routes.yaml").read_text()
    (dev.folder / "routes.yaml").write_text(routes.replace("${PRIZE_DATABASE:-sqlite:prizes.db}", "sqlite:mine.db"))
    done = dev.run().succeeded()
    assert "A bot sends" not in done.stdout
    with closing(sqlite3.connect(dev.folder / "mine.db")) as database:
        assert database.execute("SELECT count(*) FROM item_types").fetchone() == (0,)


def test_another_region_and_another_queue(dev):
    """What it prints and writes leads to the first queue, in whichever region routes.yaml has it."""
    routes = (ROOT / "routes.yaml").read_text().replace("${AWS_REGION:-us-east-1}", "eu-west-1")
    second = "queues:\n  raffles: { url: \"${AWS_SQS_RAFFLES_URL}\" }\n"
    (dev.folder / "routes.yaml").write_text(routes.replace("queues:\n", second))
    dev.environment["AWS_SQS_RAFFLES_URL"] = "https://sqs.eu-west-1.amazonaws.com/1/raffles"
    done = dev.run().succeeded()
    assert re.search(r"queue http://127.0.0.1:\d+/000000000000/raffles", done.stdout)
    assert re.search(r"queue http://127.0.0.1:\d+/000000000000/prizes", done.stdout)


def test_a_proxy_is_not_asked_for_this_machine(dev):
    dev.run(environment={"http_proxy": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9"}).succeeded()


def test_a_signal_ends_it_whenever_it_comes(dev):
    worker = dev.start()
    wait_until(lambda: "A bot sends" in worker.log(), "it has begun", interval=0.01)
    worker.terminate()
    with takes_at_most(10, "ending in the midst of its start"):
        assert worker.wait() == 0


class TestWhatKeepsItFromStarting:
    def test_a_queue_that_cannot_be(self, dev):
        """With -dlq its name is too long."""
        routes = (ROOT / "routes.yaml").read_text()
        (dev.folder / "routes.yaml").write_text(routes.replace("  prizes:\n    url:", f"  {'q' * 78}:\n    url:"))
        done = dev.run()
        assert done.code == 1
        assert f"cannot make the queue {'q' * 78}" in done.stderr

    def test_two_queues_of_one_name(self, dev):
        routes = (ROOT / "routes.yaml").read_text()
        second = 'queues:\n  more: { url: "https://sqs.eu-west-1.amazonaws.com/1/prizes" }\n'
        (dev.folder / "routes.yaml").write_text(routes.replace("queues:\n", second))
        done = dev.run()
        assert done.code == 1
        assert "would both be prizes" in done.stderr

    def test_a_port_that_is_taken(self, dev):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            done = dev.command("dev", "--port", port)
        assert done.code == 1
        assert f"port {port} of 127.0.0.1 is taken" in done.stderr
        assert "--port" in done.stderr

    def test_a_directory_that_cannot_be_made(self, dev):
        (dev.folder / "file").write_text("")
        done = dev.run("--data", "file/data")
        assert done.code == 1
        assert "cannot make the directory file/data" in done.stderr
        assert "--data" in done.stderr

    def test_data_from_a_newer_version(self, dev):
        dev.run().succeeded()
        with closing(sqlite3.connect(dev.folder / ".worker/queues.sqlite")) as database, database:
            database.execute("INSERT INTO grdb_migrations VALUES ('v99')")
        done = dev.run()
        assert done.code == 1
        assert "newer version" in done.stderr

    def test_no_routes(self, dev):
        (dev.folder / "routes.yaml").unlink()
        done = dev.run()
        assert done.code == 78
        assert "there is no such file" in done.stderr
