"""What can happen between the worker and its queue, each for some calls; then the worker catches up by itself."""

import json
import threading
from dataclasses import dataclass

import pytest

from support import takes_at_most, wait_until
from support.events import item, somebody
from support.faults import check_granted, send_events, start

# The worker is what is tested, so one server is enough.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

THROTTLED = b'{"__type":"com.amazonaws.sqs#RequestThrottled","message":"Rate exceeded"}'


def throttled_by_header(exchange):
    exchange.answer(403, b'{"message":"Slow down"}', {"x-amzn-query-error": "RequestThrottled;Sender"})


def reset_before(exchange):
    exchange.reset()


def reset_after(exchange):
    exchange.forward()
    exchange.reset()


def truncated(exchange):
    status, body = exchange.forward()
    exchange.begin(status, len(body) + 1)
    exchange.write(body[: len(body) // 2])
    exchange.close()


def cut_json(exchange):
    """Whole as HTTP, and half as JSON."""
    status, body = exchange.forward()
    exchange.answer(status, body[: len(body) // 2])


def garbage(exchange):
    exchange.forward()
    exchange.answer(200, bytes(range(256)) * 8)


def not_http(exchange):
    exchange.write(b"\x16\x03\x01\x02\x00 220 smtp.example ESMTP\r\n\r\n")
    exchange.close()


def black_hole(exchange):
    exchange.wait_for_hangup()


def slow_drip(exchange):
    """For a second, which a client must have the patience for."""
    status, body = exchange.forward()
    exchange.begin(status, len(body))
    step = len(body) // 40 + 1
    for start in range(0, len(body), step):
        exchange.write(body[start : start + step])
        exchange.pause(0.025)


def failed_entries(exchange):
    """Every second entry is done, and the others fail."""
    request = json.loads(exchange.body)
    done, refused = request["Entries"][1::2], request["Entries"][::2]
    answer = {"Successful": []}
    if done:
        _, body = exchange.forward(json.dumps({**request, "Entries": done}).encode())
        answer = json.loads(body)
    codes = ["InternalError", "ServiceUnavailable", "RequestThrottled"]
    answer["Failed"] = [
        {"Id": entry["Id"], "Code": codes[number % 3], "Message": "Try again.", "SenderFault": False}
        for number, entry in enumerate(refused)
    ] + answer.get("Failed", [])
    exchange.answer(200, json.dumps(answer).encode())


FAULTS = {
    "500 of nothing": lambda exchange: exchange.answer(500, b""),
    "503 in HTML": lambda exchange: exchange.answer(503, b"<html><h1>Service Unavailable</h1></html>"),
    "throttling in the body": lambda exchange: exchange.answer(400, THROTTLED),
    "throttling in the header": throttled_by_header,
    "reset before": reset_before,
    "reset after": reset_after,
    "truncated": truncated,
    "cut JSON": cut_json,
    "garbage": garbage,
    "not HTTP": not_http,
    "slow drip": slow_drip,
    "black hole": black_hole,
    "Failed entries": failed_entries,
}
RECEIVE, DELETE, EXTEND, SEND = OPERATIONS = [
    "ReceiveMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "SendMessage",
]
# More than the three with which the client tries a call, so that it fails as a whole, too.
CALLS = 4
# What the client does not try again, or what takes its time: it waits ten seconds for an answer.
FEWER_CALLS = {"cut JSON": 2, "garbage": 2, "slow drip": 2, "black hole": 1}
CASES = [
    pytest.param(fault, operation, id=f"{operation}, {fault}", marks=pytest.mark.slow if fault == "black hole" else ())
    for fault in FAULTS
    for operation in OPERATIONS
    if fault != "Failed entries" or operation not in (RECEIVE, SEND)
]
BAD = 4


@dataclass
class Faults:
    """Meets the next calls of an operation with a fault; an operation of None is any."""

    proxy: object
    hits: int = 0

    def begin(self, fault, operation, calls):
        lock = threading.Lock()

        def meet(called, body):
            with lock:
                if operation not in (None, called) or self.hits == calls:
                    return None
                self.hits += 1
            return FAULTS[fault]

        self.proxy.on_request = meet

    def wait_until_over(self, calls, running):
        what = f"{calls} calls have met the fault"
        wait_until(lambda: self.hits == calls or not running.is_running, what)
        assert self.hits == calls, "the worker has ended"


@pytest.fixture
def faults(proxy):
    return Faults(proxy)


def send_all(queue):
    send_events(queue)
    for number in range(BAD):
        queue.send(item(type="nothing", quantity=number + 1))


def check_all(queue, prizes, running):
    """Each is granted once, the bad ones are dead letters, and the worker goes on."""
    queue.wait_until_empty()
    check_granted(prizes)
    # One whose answer was lost may have been sent twice.
    letters = {json.loads(letter.body)["quantity"]: letter for letter in queue.dead_letters()}
    assert sorted(letters) == list(range(1, BAD + 1))
    assert all(letter.failure for letter in letters.values())
    assert running.is_running, running.log()

    late = somebody(1000)
    queue.send(item(late))
    prizes.wait_for(late)
    queue.wait_until_empty()
    running.stop(deadline=15)


@pytest.mark.parametrize(("fault", "operation"), CASES)
def test_it_catches_up(fault, operation, queue, worker, prizes, faults):
    calls = FEWER_CALLS.get(fault, CALLS)
    running = start(worker, queue, prizes)
    faults.begin(fault, operation, calls)
    if operation == EXTEND:
        # Handlers that wait for the database: their leases are extended.
        with prizes.locked() as release:
            send_all(queue)
            faults.wait_until_over(calls, running)
            release()
    else:
        send_all(queue)
        faults.wait_until_over(calls, running)
    check_all(queue, prizes, running)


@pytest.mark.parametrize("fault", ["500 of nothing", "reset before", "garbage", "throttling in the body"])
def test_it_starts_while_nothing_works(fault, queue, worker, prizes, faults):
    send_all(queue)
    faults.begin(fault, None, CALLS)
    running = worker.start()
    faults.wait_until_over(CALLS, running)
    check_all(queue, prizes, running)


def test_it_stops_while_its_receive_is_in_a_black_hole(queue, worker, prizes, faults):
    faults.begin("black hole", RECEIVE, 1)
    running = worker.start()
    faults.wait_until_over(1, running)
    # It gives up the receive after three seconds, and would otherwise wait eleven for its answer.
    with takes_at_most(8, "ending while a receive is not answered"):
        running.stop()
