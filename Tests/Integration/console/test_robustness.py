"""What clients and messages cannot do to the console, and to health beside it."""

import http.client
import threading
import time
from contextlib import ExitStack

from support import wait_until
from support.events import item


def connect(console, method, path, stack=None):
    connection = http.client.HTTPConnection(console.address, timeout=30)
    if stack:
        stack.callback(connection.close)
    connection.request(method, path)
    return connection


def test_heads_of_live_pages_take_no_room(console):
    for _ in range(40):
        answer = console.request("HEAD", "/live/overview")
        assert (answer.status, answer.body) == (200, b"")
    connection = connect(console, "GET", "/live/overview")
    assert connection.getresponse().status == 200
    connection.close()


def test_health_answers_while_a_hostile_message_is_shown(console, queue):
    """A body of 250 kB that would be 13 MB with an element in each line."""
    body = "[" * 50 + "1," * 125_000 + "1" + "]" * 50
    queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody=body)
    console.api("/api/dead-letters/refresh", {})
    [letter] = wait_until(lambda: (console.seen() or {}).get("deadLetters"), "it is in the list", deadline=240)
    sizes = []

    def show():
        sizes.append(len(console.page(f"/dead-letters/{queue.name}/{letter['id']}")))

    page = threading.Thread(target=show)
    began = time.monotonic()
    page.start()
    longest = 0
    while page.is_alive():
        start = time.monotonic()
        assert console.get("/health/live").status == 200
        longest = max(longest, time.monotonic() - start)
        page.join(0.01)
    # Milliseconds, and beside a page that takes seconds to make; many, where the machine is slow.
    assert longest < max(2, (time.monotonic() - began) / 4)
    assert sizes and sizes[0] < 4 << 20


def test_clients_that_do_not_read_delay_nobody(console, queue):
    with ExitStack() as stack:
        for _ in range(31):
            connect(console, "GET", "/live/flow", stack)
        reader = connect(console, "GET", "/live/flow", stack).getresponse()
        ids = [queue.send(item()) for _ in range(20)]
        seen = b""
        while ids[-1].encode() not in seen:
            line = reader.readline()
            assert line
            seen += line
        assert console.get("/health/live").status == 200
        assert "Flow" in console.page("/flow")
