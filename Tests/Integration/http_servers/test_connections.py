"""What some clients hold open keeps no other from its answer, and the process not from its end."""

import json
import resource
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support import takes_at_most, wait_until
from support.http import Http, credential
from support.wire import Connection, connections

CLOSING = 5
"""Seconds that a stop waits for connections."""


@pytest.fixture(autouse=True, scope="module")
def many_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))


def half_a_head(served, connection):
    connection.send(served.get()[:-1])


def half_a_body(served, connection):
    connection.send(served.get(method="POST", Content_Length=100)).send("half")


def unread_answers(served, connection):
    connection.flood(served.get())


def nothing(served, connection):
    pass


def an_answer(served, connection):
    connection.send(served.get())
    assert connection.answer()[0] == 200


WAYS = [nothing, an_answer, half_a_head, half_a_body, unread_answers]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_stop_ends_though_a_connection_is_open(way, served):
    with connections(served.endpoint, 3, receive_buffer=4096) as opened:
        for connection in opened:
            way(served, connection)
        # All of it has reached the server: this one comes after them.
        with connections(served.endpoint) as [last]:
            an_answer(served, last)
        served.process.terminate()
        # Half of what a second signal would be needed for.
        with takes_at_most(3 * CLOSING, "the end after SIGTERM"):
            assert served.process.wait() == 0


def test_a_stop_lets_an_answer_finish(served):
    with connections(served.endpoint, receive_buffer=4096) as [connection]:
        connection.send(served.get() * 30)
        assert connection.answer()[0] == 200
        served.process.terminate()
        for _ in range(29):
            status, headers, _ = connection.answer()
            assert status == 200
            if headers.get("connection") == "close":
                break
        assert connection.is_closed(within=3 * CLOSING)
    assert served.process.wait() == 0


@pytest.mark.parametrize("way", [nothing, an_answer, half_a_head, half_a_body], ids=lambda way: way.__name__)
def test_connections_that_wait_for_their_clients_give_way(way, served):
    with ExitStack() as stack:
        for _ in range(2):
            for connection in stack.enter_context(connections(served.endpoint, served.connections)):
                way(served, connection)
            # Less than the thirty seconds after which the first of them would be closed anyway.
            with takes_at_most(25, "an answer beside as many as may be open"):
                assert Http(served.endpoint).request("GET", served.path).status == 200


def test_long_polls_do_not_give_way(local_queue):
    http = Http(local_queue.endpoint)
    url = http.json("CreateQueue", {"QueueName": "polled"}).json["QueueUrl"]
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 1})
    count = 50
    with connections(local_queue.endpoint, count) as polls:
        for poll in polls:
            poll.send(request(local_queue, "ReceiveMessage", len(body))).send(body)
        # With the polls, more than may be open. All of it has to be done within the twenty seconds of the polls.
        with connections(local_queue.endpoint, 1010):
            for first in range(0, count, 10):
                entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(first, first + 10)]
                answer = http.json("SendMessageBatch", {"QueueUrl": url, "Entries": entries})
                assert len(answer.json["Successful"]) == 10
            received = [json.loads(poll.answer()[2])["Messages"][0]["Body"] for poll in polls]
    assert sorted(received, key=int) == [str(number) for number in range(count)]


def test_a_client_that_takes_its_time_is_closed(served):
    """Each waits as long as it may, and is closed though something goes over it now and then."""
    # Before the server can have begun to count.
    begun = time.monotonic()
    with connections(served.endpoint, 4, receive_buffer=4096) as [silent, head, body, reader]:
        for way, connection in [(half_a_head, head), (half_a_body, body), (unread_answers, reader)]:
            way(served, connection)
        drips = {
            "silent": silent.is_closed,
            "head": lambda: head.send("x").is_closed(),
            "body": lambda: body.send("x").is_closed(),
            "reader": lambda: reader.drip_is_refused(),
        }
        waited = {}

        def drip():
            for name in drips.keys() - waited.keys():
                if drips[name]():
                    waited[name] = time.monotonic() - begun
            return len(waited) == len(drips)

        wait_until(drip, "all are closed", 150, 1)
    least = {"silent": 60, "head": 60, "body": 30, "reader": 30}
    if served.path != "/":
        # The admin server reads no bodies: it has answered, and waits no longer than a stop would.
        least["body"] = 0
    assert [name for name in waited if waited[name] < least[name]] == [], waited
    assert max(waited.values()) < 110, waited


def test_a_slow_line_is_enough_for_a_large_message(local_queue):
    http = Http(local_queue.endpoint)
    url = http.json("CreateQueue", {"QueueName": "slow"}).json["QueueUrl"]
    size = 640 << 10
    body = json.dumps({"QueueUrl": url, "MessageBody": "x" * size})
    with connections(local_queue.endpoint) as [connection]:
        connection.send(request(local_queue, "SendMessage", len(body)))
        end = threading.Event()
        part = 16 << 10
        for start in range(0, len(body), part):
            connection.send(body[start : start + part])
            # The line's speed: this takes longer than a body of a few bytes may.
            end.wait(1)
        assert connection.answer()[0] == 200


@pytest.mark.parametrize("what", ["bodies", "answers"])
def test_what_clients_leave_unfinished_does_not_fill_the_memory(what, local_queue):
    """256 MiB are kept at most."""
    http = Http(local_queue.endpoint)
    url = http.json("CreateQueue", {"QueueName": "large"}).json["QueueUrl"]
    for _ in range(10):
        assert http.json("SendMessage", {"QueueUrl": url, "MessageBody": "x" * (1 << 20)}).status == 200
    receive = json.dumps({"QueueUrl": url, "VisibilityTimeout": 0, "MaxNumberOfMessages": 10})
    count = 60
    with connections(local_queue.endpoint, count, receive_buffer=4096) as opened:
        wait_until(lambda: len(sockets(local_queue.process)) >= count, "all are accepted")
        for connection in opened:
            if what == "bodies":
                connection.send(request(local_queue, "SendMessage", 8 << 20)).send(b"x" * (7 << 20))
            else:
                connection.send(request(local_queue, "ReceiveMessage", len(receive))).send(receive)
        # 420 MiB and 600 MiB in all: a third of the connections has to go, once the server has made its answers.
        wait_until(lambda: len(sockets(local_queue.process)) < count * 2 // 3, "the largest are closed", 240)
        assert http.json("ReceiveMessage", {"QueueUrl": url}).status == 200


def sockets(process):
    """The descriptors of a process that are connections, or listen for some."""
    found = []
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(OSError):
            if str(descriptor.readlink()).startswith("socket:"):
                found.append(descriptor.name)
    return found


def test_a_body_beyond_the_limit_is_refused_at_once(local_queue):
    with connections(local_queue.endpoint) as [connection]:
        connection.send(request(local_queue, "SendMessage", 100 << 20)).send("x")
        with takes_at_most(15, "the refusal"):
            status, headers, _ = connection.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert connection.is_closed(within=2 * CLOSING)


def request(server, operation, length):
    host = server.endpoint.removeprefix("http://")
    return (
        f"POST / HTTP/1.1\nHost: {host}\nContent-Type: application/x-amz-json-1.0\nX-Amz-Target: AmazonSQS.{operation}\n"
        f"Authorization: {credential('us-east-1')}\nContent-Length: {length}\n\n"
    )
