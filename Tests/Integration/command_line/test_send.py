"""`worker send`: what arrives is what was in the file."""

import json

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


def test_each_of_several_is_a_prize_of_its_own(send, worker, prizes):
    send(FILE, "--count", 3).succeeded()
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 15}


def test_a_queue_by_the_name_that_the_log_has(send, queue):
    send(FILE, "--queue", queue.name).succeeded()
    assert queue.size() == 1


def test_a_file_that_is_not_there(send, queue):
    assert "nothing.json" in send("nothing.json").failed().stderr
    assert queue.size() == 0


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_count_that_is_none(count, send, queue):
    send(FILE, f"--count={count}").failed()
    assert queue.size() == 0
