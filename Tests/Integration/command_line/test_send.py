"""`worker send`: what arrives is what was in the file."""

import json
import re
import subprocess

import pytest

from support.events import COIN, EXAMPLES, UNLINKED, example

FILE = EXAMPLES / "item-awarded.json"


@pytest.fixture
def send(worker):
    def send(*arguments, **options):
        return worker.command("send", *arguments, "--routes", worker.write_routes(), **options)

    return send


def test_a_file(send, queue):
    send(FILE).succeeded()
    assert [json.loads(message.body) for message in queue.receive()] == [example("item-awarded")]


def test_several_of_it(send, queue):
    send(FILE, "--count", 13).succeeded()
    assert [json.loads(message.body) for message in queue.receive()] == [example("item-awarded")] * 13


def test_standard_input(send, queue):
    event = example("item-awarded", note="Zoë won 🎡")
    send("-", input=json.dumps(event, ensure_ascii=False)).succeeded()
    assert [json.loads(message.body) for message in queue.receive()] == [event]


@pytest.mark.parametrize("text", ["Zoë won".encode("latin-1"), "Zoë won".encode("utf-16")], ids=["Latin-1", "UTF-16"])
@pytest.mark.parametrize("source", ["standard input", "a file"])
def test_what_is_not_utf8_is_refused(source, text, worker, queue):
    path = worker.folder / "event.json"
    path.write_bytes(text)
    command = [worker.binary, "send", path if source == "a file" else "-", "--routes", worker.write_routes()]
    done = subprocess.run(command, input=text, env=worker.environment, cwd=worker.folder, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"UTF-8" in done.stderr
    assert queue.size() == 0


def test_an_event_itself(send, queue):
    body = '{"eventType": "ITEM_AWARDED", "quantity": 1}'
    send(body).succeeded()
    assert [message.body for message in queue.receive()] == [body]


def test_an_event_that_the_shell_took_apart(send, queue):
    finished = send("{eventType:ITEM_AWARDED}")
    assert finished.code == 1 and "single quotes" in finished.stderr
    assert queue.size() == 0


def test_a_file_whose_name_is_like_an_event(send, worker, queue):
    (worker.folder / "{}").write_text('{"from": "the file"}')
    send("{}").succeeded()
    assert [message.body for message in queue.receive()] == ['{"from": "the file"}']


def test_it_names_the_queue_whole(send, queue, server):
    assert send(FILE).succeeded().stdout.endswith(f" to {queue.url}.\n")
    assert send(FILE, "--count", 2).succeeded().stderr == f"Sent 2 messages to {queue.url}.\n"


def test_it_names_where_the_queue_is_where_that_is_elsewhere(send, worker, queue, server):
    worker.environment["AWS_SQS_QUEUE_URL"] = f"https://user:secret@sqs.us-east-1.amazonaws.com/000000000000/{queue.name}"
    worker.environment["AWS_ENDPOINT_URL_SQS"] = server.endpoint
    shown = send(FILE)
    if shown.code == 0:
        assert f"amazonaws.com/000000000000/{queue.name} at {server.endpoint}." in shown.stdout
    assert "secret" not in shown.output


class TestTheVariablesOfAnotherProject:
    """`worker dev` ran in this folder, and the shell has the variables of another one's, or none."""

    @pytest.fixture(autouse=True)
    def dev(self, worker):
        (worker.folder / ".worker").mkdir(exist_ok=True)
        self.file = worker.folder / ".worker/env"
        self.write("http://127.0.0.1:9/000000000000/of-this-folder")
        yield
        self.file.unlink()

    def write(self, url):
        self.file.write_text(f"# For a shell: . .worker/env\nexport AWS_SQS_QUEUE_URL='{url}'\nexport NOT_USED='it'\\''s'\n")

    def test_send_warns(self, send, queue):
        warning = send(FILE).succeeded().stderr
        assert warning.startswith("Warning: this is not what `worker dev` of this folder works with")
        assert "AWS_SQS_QUEUE_URL" in warning and ". .worker/env" in warning
        self.write(queue.url)
        assert send(FILE).succeeded().stderr == ""

    def test_dead_letters_warn(self, worker, queue):
        assert "Warning: this is not what" in worker.command("dead-letters", "list", "--routes", worker.write_routes()).succeeded().stderr

    def test_holdings_warn_of_another_database(self, worker, prizes):
        arguments = ["prizes", "holdings", "--user", UNLINKED, "--routes", worker.write_routes()]
        assert worker.command(*arguments).succeeded().stderr == "", "routes.yaml names the database itself"
        worker.routes["plugins"]["prizes"]["database"] = "${PRIZE_DATABASE:-sqlite:other.db}"
        worker.environment["PRIZE_DATABASE"] = f"sqlite:{worker.database}"
        worker.write_routes()
        assert worker.command(*arguments).succeeded().stderr == ""
        self.file.write_text("export PRIZE_DATABASE='sqlite:/of/this/folder.db'\n")
        finished = worker.command(*arguments).succeeded()
        assert "Warning: this is not what `worker dev` of this folder works with" in finished.stderr
        assert "PRIZE_DATABASE" in finished.stderr
        assert finished.output.count(str(worker.database)) == 1, "it names the one that it read"


def test_an_empty_key(send, queue):
    assert "--idempotency-key" in send(FILE, "--idempotency-key", "").failed().stderr
    assert queue.size() == 0


def test_each_of_several_is_a_prize_of_its_own(send, worker, prizes):
    send(FILE, "--count", 3).succeeded()
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 15}


def test_a_queue_by_the_name_that_the_log_has(send, queue):
    send(FILE, "--queue", queue.name).succeeded()
    assert queue.size() == 1


def test_a_file_that_is_not_there(send, queue):
    said = send("nothing.json").failed().stderr
    assert "nothing.json" in said and "single quotes" in said
    assert queue.size() == 0


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_count_that_is_none(count, send, queue):
    send(FILE, f"--count={count}").failed()
    assert queue.size() == 0


class TestAnEventThatNoHandlerTakes:
    """It is sent all the same: the queue may be another's, or the routes may change."""

    @pytest.mark.parametrize(
        ("body", "warning"),
        [
            ('{"eventType": "ITEM_AWARDED",\n "quantity" 5}', "line 2, column 13 is where it stops being JSON"),
            ('{"eventType": "ITEM_AWARDED"', "it ends too early, in line 1, column 29"),
            ('{"quantity": 5}', "eventType: .*the field is missing"),
            ('{"eventType": "ITEM_AWARDEDD"}', "eventType: expected one of .*; did you mean ITEM_AWARDED?"),
            (json.dumps(example("item-awarded", quantity=0)), "quantity: expected .*, but the number is below 1"),
            (json.dumps(example("item-awarded", discordUserId="mira")), "discordUserId: .* holds more than digits"),
        ],
    )
    def test_a_warning_says_why(self, body, warning, send, queue):
        sent = send("-", input=body).succeeded()
        assert re.search(rf"Warning: the worker will not handle standard input: .*{warning}", sent.stderr), sent.stderr
        assert sent.stdout.startswith("Sent message ")
        assert [message.body for message in queue.receive()] == [body]

    def test_a_good_one_gets_none(self, send, queue):
        assert send(FILE).succeeded().stderr == ""

    def test_the_dead_letter_says_where(self, send, worker, queue, prizes):
        send("-", input='{"eventType": "ITEM_AWARDED",\n "quantity" 5}').succeeded()
        worker.run_until_empty()
        assert "line 2, column 13 is where it stops being JSON" in queue.dead_letter().failure["message"]
