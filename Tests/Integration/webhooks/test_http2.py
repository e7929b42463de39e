"""Events posted over HTTP/2, which many servers speak: nginx does here."""

import threading
from collections import Counter

import pytest

from ports import free_port
from support.nginx import NGINX, Nginx, make_certificate
from support.receiver import Answer

pytestmark = [
    pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session"),
    pytest.mark.skipif(not NGINX, reason="nginx is not here"),
]
REQUESTS = 20
"""After so many nginx ends a connection: it says so (GOAWAY), and answers those that are under way."""


@pytest.fixture
def make_front(post, receiver, tmp_path):
    """Puts nginx in front of the receiver, and makes routes that post to it."""
    made = []

    def make(requests):
        port = free_port()
        certificate = make_certificate(tmp_path, "front")
        nginx = Nginx(
            tmp_path,
            port,
            f"""server {{
              listen 127.0.0.1:{port} ssl http2;
              ssl_certificate {certificate}; ssl_certificate_key {tmp_path}/front.key;
              keepalive_requests {requests}; keepalive_timeout 1h;
              location / {{ proxy_pass http://127.0.0.1:{receiver.port}; proxy_read_timeout 1h; }}
            }}""",
        )
        made.append(nginx)
        nginx.post = lambda event_type, **options: post(
            event_type, url=f"https://localhost:{port}/hooks", ca=str(certificate), **options
        )
        return nginx

    yield make
    for nginx in made:
        nginx.stop()


def test_each_event_arrives_once_over_connections_that_the_server_ends(make_front, queue, worker, receiver):
    front = make_front(REQUESTS)
    front.post("WON")
    for number in range(300):
        queue.send({"eventType": "WON", "number": number})
    worker.run_until_empty()
    front.stop()
    assert sorted(delivery.json["number"] for delivery in receiver.deliveries) == [*range(300)]
    assert {(protocol, status) for protocol, _, status in front.requests} == {("HTTP/2.0", "200")}
    assert REQUESTS in Counter(connection for _, connection, _ in front.requests).values()
    assert not queue.dead_letters()


def test_a_post_that_ends_at_its_timeout_ends_no_other_on_its_connection(
    make_front, queue, worker, receiver, fails_at_once
):
    are_over = threading.Event()

    def respond(delivery):
        if delivery.json["eventType"] == "HANGS":
            return receiver.hang
        if delivery.json["number"] > 0:
            # Is under way while others end.
            are_over.wait()
        return Answer(204)

    receiver.respond = respond
    front = make_front(10_000)
    front.post("HANGS", timeout="2s", errors=fails_at_once)
    front.post("WON", timeout="10m")
    running = worker.start()
    try:
        # Once there is a connection, and it is known to speak HTTP/2, all share it.
        queue.send({"eventType": "WON", "number": 0})
        queue.wait_until_empty()
        for number in range(1, 16):
            queue.send({"eventType": "HANGS" if number % 5 == 0 else "WON", "number": number})
        failures = [letter.failure for letter in queue.wait_for_dead_letters(3)]
    finally:
        are_over.set()
    queue.wait_until_empty()
    running.stop()
    front.stop()
    assert [failure["kind"] for failure in failures] == ["timeout"] * 3
    won = [delivery.json["number"] for delivery in receiver.deliveries if delivery.json["eventType"] == "WON"]
    assert sorted(won) == [number for number in range(16) if number == 0 or number % 5]
    assert len({connection for _, connection, _ in front.requests}) == 1
    assert sorted(status for *_, status in front.requests) == ["204"] * 13 + ["499"] * 3
