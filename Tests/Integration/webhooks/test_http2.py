"""Events posted over HTTP/2, which many servers speak: nginx does here."""

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
def front(post, receiver, tmp_path):
    """nginx in front of the receiver, and routes that post to it."""
    port = free_port()
    certificate = make_certificate(tmp_path, "front")
    nginx = Nginx(
        tmp_path,
        port,
        f"""server {{
          listen 127.0.0.1:{port} ssl http2;
          ssl_certificate {certificate}; ssl_certificate_key {tmp_path}/front.key;
          keepalive_requests {REQUESTS};
          location / {{ proxy_pass http://127.0.0.1:{receiver.port}; proxy_read_timeout 600s; }}
        }}""",
    )
    nginx.post = lambda event_type, **options: post(
        event_type, url=f"https://localhost:{port}/hooks", ca=str(certificate), **options
    )
    yield nginx
    nginx.stop()


def test_each_event_arrives_once_over_connections_that_the_server_ends(front, queue, worker, receiver):
    front.post("WON")
    for number in range(300):
        queue.send({"eventType": "WON", "number": number})
    worker.run_until_empty()
    front.stop()
    assert sorted(delivery.json["number"] for delivery in receiver.deliveries) == [*range(300)]
    assert {(protocol, status) for protocol, _, status in front.requests} == {("HTTP/2.0", "200")}
    assert len({connection for _, connection, _ in front.requests}) >= 300 / REQUESTS
    assert not queue.dead_letters()


def test_a_post_that_ends_at_its_timeout_ends_no_other_on_its_connection(
    front, queue, worker, receiver, fails_at_once
):
    def respond(delivery):
        if delivery.json["eventType"] == "HANGS":
            return receiver.hang
        # Is under way while others end.
        receiver.stopped.wait(0.3)
        return Answer(204)

    receiver.respond = respond
    front.post("HANGS", timeout="1s", errors=fails_at_once)
    front.post("WON", timeout="10m")
    for number in range(60):
        queue.send({"eventType": "HANGS" if number % 10 == 0 else "WON", "number": number})
    worker.run_until_empty()
    assert {letter.failure["kind"] for letter in queue.dead_letters()} == {"timeout"}
    won = [delivery.json["number"] for delivery in receiver.deliveries if delivery.json["eventType"] == "WON"]
    assert sorted(won) == [number for number in range(60) if number % 10]
