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
    assert "an item that does not exist: dead-lettered: notFound: the item type does not exist" in done.stdout
    assert done.stdout.endswith("The queue is empty. By receives: 1 dead-lettered, 2 handled.\n")
    assert pending(dev.holdings()) == ({"cluid123abc": 5}, ["cluid456def"])


def test_the_readme_shows_what_it_prints(dev):
    """But for the address and the binary's path."""
    text = (ROOT / "README.md").read_text()
    shown = re.search(r"<!-- worker dev -->\n\n((?:    .*\n|\n)+)", text)[1]
    shown = [line.removeprefix("    ") for line in shown.splitlines() if line.strip()]
    printed = dev.run().succeeded().stdout.splitlines()
    printed = {re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:4566", line) for line in printed}
    until = shown.index("Next, in another terminal:")
    assert [line for line in shown[:until] if line not in printed] == []


def test_it_goes_on_with_the_data_it_had(dev):
    dev.run().succeeded()
    again = dev.run().succeeded()
    assert "It continues with the data of the last run" not in again.stdout, "that is for a person who stays"
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
    assert "notFound" in shown and "the item type does not exist" in shown and "cluid000zzz" in shown


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
    routes = (ROOT / "routes.yaml").read_text()
    second = "queues:\n  raffles: { url: \"${AWS_SQS_RAFFLES_URL}\", region: eu-west-1 }\n"
    (dev.folder / "routes.yaml").write_text(routes.replace("queues:\n", second))
    dev.environment["AWS_SQS_RAFFLES_URL"] = "https://sqs.eu-west-1.amazonaws.com/1/raffles"
    done = dev.run().succeeded()
    assert re.search(r"queue http://127.0.0.1:\d+/000000000000/raffles", done.stdout)
    assert re.search(r"queue http://127.0.0.1:\d+/000000000000/prizes", done.stdout)


def test_a_profile_does_not_say_where_its_queues_are(dev):
    config = dev.folder / ".aws" / "config"
    config.parent.mkdir()
    config.write_text("[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:9\n")
    dev.run().succeeded()


def test_a_proxy_is_not_asked_for_this_machine(dev):
    dev.run(environment={"http_proxy": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9"}).succeeded()


def test_what_handlers_log_is_seen(dev):
    assert "prize waits until the account is linked" in dev.run().succeeded().stderr
    assert "prize waits" not in dev.run("--data", "other", "--log-level", "error").succeeded().stderr


def test_a_last_try_is_said_to_be_one(dev):
    """The unknown item, where the route tries it again."""
    routes = (ROOT / "routes.yaml").read_text().replace("maxReceiveCount: 3", "maxReceiveCount: 2")
    again = "{ handler: prizes.item, errors: { transient: [notFound] }, retry: { base: 100ms, max: 100ms } }"
    (dev.folder / "routes.yaml").write_text(routes.replace("{ handler: prizes.item }", again))
    shown = dev.run().succeeded().stdout
    tries = [line for line in shown.splitlines() if "an item that does not exist: failed: notFound" in line]
    assert re.search(r"; it comes again in \d+ secs?$", tries[0])
    assert tries[1].endswith("; this was try 2, the last, so it is dead-lettered")
    assert len(tries) == 2


def test_the_event_that_it_suggests_has_the_fields_that_its_handler_needs(dev):
    """Where there is no demo, it is made from the handler's type."""
    routes = (ROOT / "routes.yaml").read_text().replace("${PRIZE_DATABASE:-sqlite:prizes.db}", "sqlite:own.db")
    (dev.folder / "routes.yaml").write_text(routes)
    worker = dev.start()
    try:
        wait_until(lambda: "Ctrl-C ends it." in worker.log() or not worker.is_running, "it says what to type next")
        commands = worker.log().partition("in another terminal:\n")[2].splitlines()
        send = next(line.strip() for line in commands if "send -" in line)
        assert "Warning" not in dev.shell(f". .worker/env\n{send} 2>&1")
        wait_until(lambda: "notFound: no community belongs to the guild" in worker.log(), "its handler had it")
    finally:
        worker.kill()
        print(worker.log())


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
        assert not (dev.folder / ".worker").exists()
        assert "By receives: 1 dead-lettered, 2 handled" in dev.run().succeeded().stdout

    def test_a_local_queue_whose_port_is_taken_makes_nothing(self, dev):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            dev.command("local-queue", "--port", str(taken.getsockname()[1])).failed()
        assert not (dev.folder / ".worker").exists()

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

    def test_no_such_routes(self, dev):
        done = dev.run("--routes", "elsewhere.yaml")
        assert done.code == 78
        assert "there is no such file" in done.stderr


class TestAnEmptyFolder:
    @pytest.fixture(autouse=True)
    def empty(self, dev):
        (dev.folder / "routes.yaml").unlink()

    def test_it_has_the_routes_of_the_demos(self, dev):
        done = dev.run().succeeded()
        assert "There is no routes.yaml here; .worker/routes.yaml has the routes of the plugins' demos." in done.stdout
        assert done.stdout.endswith("The queue is empty. By receives: 1 dead-lettered, 2 handled.\n")
        assert [path.name for path in dev.folder.iterdir()] == [".worker"]

    def test_what_it_says_to_type_works(self, dev, running):
        commands = running.log().partition("in another terminal:\n")[2].partition("\n\n")[0]
        source, holdings, send, _, dead_letters = [line.strip() for line in commands.splitlines()]
        assert "cluid456def" in dev.shell(f"{source}\n{holdings}")
        assert "Sent message" in dev.shell(f"{source}\n{send}")
        shown = dev.shell(f"{source}\n{dead_letters}")
        assert "the item type does not exist" in shown and "cluid000zzz" in shown

    def test_a_command_that_does_not_find_them_says_where_they_are(self, dev):
        dev.run().succeeded()
        assert dev.command("check").failed().stderr.endswith("dev`: --routes .worker/routes.yaml\n")
        checked = dev.command("check", ".worker/routes.yaml").failed()
        assert "AWS_SQS_QUEUE_URL is not set" in checked.stderr
        assert checked.stderr.endswith("dev`: . .worker/env\n")

    def test_the_file_that_it_makes_is_the_users_own_to_change(self, dev):
        dev.run().succeeded()
        made = dev.folder / ".worker/routes.yaml"
        made.write_text(made.read_text().replace("ITEM_AWARDED", "ITEM_WON"))
        dev.shell(f"cp .worker/routes.yaml . && . .worker/env && {dev.binary} check")
        (dev.folder / "routes.yaml").unlink()
        again = dev.run().succeeded()
        assert "ITEM_WON" in made.read_text() and "There is no routes.yaml here" not in again.stdout


def test_a_start_that_was_broken_off_is_made_up_for(dev):
    """Of the demo it had sent one event, and recorded none."""
    dev.run().succeeded()
    (dev.folder / ".worker/demo-events-sent").write_text("the character Mira for the same user\n")
    again = dev.run().succeeded()
    assert "A bot sends 2 events" in again.stdout
    assert "the character Mira" not in again.stdout
    assert pending(dev.holdings()) == ({"cluid123abc": 5}, ["cluid456def"]), "the coins are the same event"


@pytest.fixture
def broken(dev):
    """A worker whose database is gone: nothing can be handled until it is back."""
    worker = dev.start()
    wait_until(lambda: "Ctrl-C ends it." in worker.log() or not worker.is_running, "it says what to type next")
    yield worker
    worker.kill()
    print(worker.log())


def test_a_plugin_that_is_down_and_healthy_again_is_said(dev, broken):
    with closing(sqlite3.connect(dev.folder / ".worker/prizes.db", timeout=60, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        dev.shell(f". .worker/env\n{dev.binary} send {ROOT}/Examples/item-awarded.json")
        wait_until(lambda: "plugin prizes: down, and its events wait" in broken.log(), "it says that it is down")
    wait_until(lambda: "plugin prizes: healthy again" in broken.log(), "it says that it is healthy")
    wait_until(lambda: re.search(r"message [0-9a-f-]{36}: handled", broken.log()), "the event is handled")


def what_next(dev, worker):
    """The commands that it says to type."""
    wait_until(lambda: "Ctrl-C ends it." in worker.log() or not worker.is_running, "it says what to type next")
    assert worker.is_running, worker.log()
    return [line.strip() for line in worker.log().partition("in another terminal:\n")[2].partition("\n\n")[0].splitlines()]


@pytest.fixture
def started(dev):
    """Starts it; ends it with the test."""
    workers = []

    def start(*arguments):
        workers.append(dev.start(*arguments))
        return workers[-1]

    yield start
    for worker in workers:
        if worker.is_running:
            worker.kill()
        print(worker.log())


class TestRoutesOfOnesOwn:
    def routes(self, dev, *changes):
        text = (ROOT / "routes.yaml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (dev.folder / "routes.yaml").write_text(text)

    def test_it_suggests_an_event_that_these_routes_handle(self, dev, started):
        self.routes(dev, ("ITEM_AWARDED:", "ITEM_WON:"))
        worker = started()
        send = next(command for command in what_next(dev, worker) if "send -" in command)
        assert "ITEM_WON, 5 gold coins for a Discord user: handled" in worker.log()
        assert "Warning" not in dev.shell(f". .worker/env\n{send} 2>&1")
        wait_until(lambda: re.search(r"ITEM_WON, message [0-9a-f-]{36}: handled", worker.log()), "it is handled")

    def test_demo_events_that_nobody_takes_are_not_sent(self, dev):
        self.routes(dev, ("  ITEM_AWARDED:", "  # ITEM_AWARDED:"))
        shown = dev.run().succeeded().stdout
        assert "A bot sends 1 event:" in shown
        assert "unrouted" not in shown and "dead-lettered" not in shown

    def test_it_exports_what_the_file_uses(self, dev):
        self.routes(dev, ("${PRIZE_DATABASE:-sqlite:prizes.db}", "sqlite:own.db"))
        dev.run().succeeded()
        assert "PRIZE_DATABASE" not in (dev.folder / ".worker/env").read_text()

    def test_a_second_queue_with_a_variable_of_its_own(self, dev, started):
        self.routes(dev, ("queues:\n", 'queues:\n  raffles: { url: "${RAFFLES_URL}" }\n'))
        worker = started()
        what_next(dev, worker)
        urls = re.findall(r"queue (http://127.0.0.1:\d+/000000000000/\w+)", worker.log())
        assert [url.rsplit("/", 1)[1] for url in urls] == ["raffles", "prizes"]
        variables = (dev.folder / ".worker/env").read_text()
        assert f"export RAFFLES_URL='{urls[0]}'\n" in variables
        assert f"export AWS_SQS_QUEUE_URL='{urls[1]}'\n" in variables
        sent = dev.shell(f". .worker/env\n{dev.binary} send {ROOT}/Examples/item-awarded.json --queue raffles")
        assert sent.endswith(f" to {urls[0]}.\n")
        dev.shell(f". .worker/env\n{dev.binary} check")


def test_a_duplicate_is_said_to_be_one(dev, started):
    worker = started()
    what_next(dev, worker)
    event = ROOT / "Examples/item-awarded.json"
    for outcome in ["handled", r"already handled \(duplicate of producer:win-7\)"]:
        dev.shell(f". .worker/env\n{dev.binary} send {event} --idempotency-key win-7")
        pattern = rf"ITEM_AWARDED, message [0-9a-f-]{{36}}: {outcome}\n"
        wait_until(lambda: re.search(pattern, worker.log()), outcome)


def test_ctrl_c_says_what_is_in_hand_and_where_the_data_stays(dev, started):
    worker = started()
    what_next(dev, worker)
    with closing(sqlite3.connect(dev.folder / ".worker/prizes.db", timeout=60, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        dev.shell(f". .worker/env\n{dev.binary} send {ROOT}/Examples/item-awarded.json")
        wait_until(lambda: "plugin prizes: down" in worker.log(), "an event is in flight")
        worker.signal(signal.SIGINT)
        stopping = "Stopping. 1 event in flight may finish, within 30 seconds; another Ctrl-C exits at once."
        wait_until(lambda: stopping in worker.log(), "it says that it stops")
    assert worker.wait() == 0
    assert worker.log().endswith("Stopped. What is left in its queues stays in .worker.\n")


def test_ctrl_c_with_nothing_in_hand(dev, started):
    # Then nothing is sent any more.
    dev.run().succeeded()
    worker = started()
    what_next(dev, worker)
    worker.signal(signal.SIGINT)
    assert worker.wait() == 0
    assert "\nStopping. Nothing is in flight.\n\nStopped. What is left in its queues stays in .worker.\n" in worker.log()
