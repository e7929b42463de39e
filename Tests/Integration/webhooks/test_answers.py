"""What becomes of an event by its receiver's answer."""

import os
import shutil
import socket
import subprocess
import threading
import time

import pytest

from ports import free_port
from support import wait_until
from support.receiver import Answer, reset

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

STATUSES = {
    200: None, 201: None, 202: None, 204: None, 301: "badRequest", 302: "badRequest", 304: "badRequest",
    307: "badRequest", 400: "badRequest", 401: "badRequest", 403: "badRequest", 404: "badRequest", 405: "badRequest",
    408: "network", 409: "unavailable", 413: "badRequest", 415: "badRequest", 422: "badRequest", 425: "badRequest", 429: "throttled",
    500: "unavailable", 501: "unavailable", 502: "unavailable", 503: "unavailable", 504: "unavailable",
}  # fmt: skip


@pytest.fixture
def nginx(tmp_path):
    """Answers each status under its number."""
    port = free_port()
    places = "\n".join(f"location = /{status} {{ return {status}; }}" for status in [*STATUSES, 410])
    (tmp_path / "nginx.conf").write_text(
        f"""
        daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
        events {{}}
        http {{
          access_log off; default_type text/plain;
          client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b; fastcgi_temp_path {tmp_path}/c;
          uwsgi_temp_path {tmp_path}/d; scgi_temp_path {tmp_path}/e;
          server {{ listen 127.0.0.1:{port}; {places} }}
        }}"""
    )
    # Not everybody has it in the path that administrators have.
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    process = subprocess.Popen(
        [program, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def listens():
        assert process.poll() is None, (tmp_path / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, "nginx listens")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def test_each_status_of_a_real_nginx(nginx, post, queue, worker, fails_at_once):
    for status in STATUSES:
        post(f"S{status}", url=f"{nginx}/{status}", errors=fails_at_once)
        queue.send({"eventType": f"S{status}"})
    worker.run_until_empty()
    letters = {letter.failure["route"]: letter.failure for letter in queue.dead_letters()}
    assert {int(route[1:]): failure["kind"] for route, failure in letters.items()} == {
        status: kind for status, kind in STATUSES.items() if kind
    }
    for status, kind in STATUSES.items():
        # nginx ends the connection where it means 408.
        if kind and status != 408:
            assert letters[f"S{status}"]["message"].startswith(f"{nginx} answered {status}")
    assert "404 Not Found" in letters["S404"]["received"]


def test_a_real_nginx_that_says_that_a_destination_is_gone(nginx, post, queue, worker):
    post(url=f"{nginx}/410")
    queue.send({"eventType": "WON"})
    running = worker.start()
    wait_until(lambda: "the plugin is down; its events are not received until the worker restarts" in running.log(), "it is gone")
    assert f"{nginx} answered 410" in running.log()
    running.stop()
    assert queue.dead_letters() == [] and queue.size() == 1


def test_a_route_says_itself_what_a_status_means(post, queue, worker, receiver, fails_at_once):
    post(outcomes={"404": "handled", "4xx": "conflict", "2xx": "validation"}, errors=fails_at_once)
    # nginx ends the connection where it means 408.
    statuses = [404, 400, 408, 429, 200]
    receiver.respond = lambda delivery: Answer(delivery.json["status"])
    for status in statuses:
        queue.send({"eventType": "WON", "status": status})
    worker.run_until_empty()
    assert sorted(letter.failure["kind"] for letter in queue.dead_letters()) == ["conflict", "throttled", "timeout", "validation"]


def test_a_dead_letter_says_what_the_answer_said(post, queue, worker, receiver):
    post(headers={"Authorization": "Bearer abc-secret-token"})
    extensions = ", ".join(f'"extension{number}": "{"x" * 100}"' for number in range(80)).encode()
    bodies = {
        "large problem": (b"{" + extensions + b', "title": "Too much"}', "application/problem+json"),
        "a secret": (b"x" * 4090 + b" abc-secret-token", "text/plain"),
        "problem": (b'{"title": "No such raffle", "detail": "It ended\\n yesterday"}', "application/problem+json"),
        "text": ("\x1b[31mred\x1b[0m\r\n Grüße".encode() + b"\xff" + b"x" * 5000, "text/plain"),
        "none": (b"", "text/plain"),
    }

    def respond(delivery):
        body, content_type = bodies[delivery.json["name"]]
        return Answer(422, body, Content_Type=content_type)

    receiver.respond = respond
    for name in bodies:
        queue.send({"eventType": "WON", "name": name})
    output = worker.run_until_empty().output
    said = {letter.body.split('"')[-2]: letter.failure.get("received") for letter in queue.dead_letters()}
    assert said["problem"] == "No such raffle: It ended yesterday"
    assert said["text"].startswith("[31mred[0m Grüße\ufffdxxx") and len(said["text"].encode()) <= 4100
    assert said["none"] is None
    assert said["large problem"] == "Too much"
    assert "abc" not in said["a secret"] and len(said["a secret"].encode()) <= 4096
    assert "raffle" not in output and "xxx" not in output


@pytest.mark.parametrize("status, form", [(429, "seconds"), (429, "date"), (503, "date"), (307, "seconds")])
def test_the_next_attempt_comes_after_what_the_receiver_asked_for(status, form, post, queue, worker, receiver):
    post(outcomes={"3xx": "unavailable"})

    def respond(delivery):
        if delivery.json["name"] != "asked" or len(attempts()) > 1:
            return Answer()
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 6))
        return Answer(status, Retry_After="5" if form == "seconds" else date)

    def attempts():
        return [each for each in receiver.deliveries if each.json["name"] == "asked"]

    receiver.respond = respond
    running = worker.start()
    queue.send({"eventType": "WON", "name": "asked"})
    receiver.wait_for(1)
    # It shows that the receiver is there.
    queue.send({"eventType": "WON", "name": "other"})
    wait_until(lambda: len(attempts()) == 2, "it is tried again")
    running.stop()
    first, second = attempts()
    # The date is to the second.
    assert second.at - first.at >= 4.9


@pytest.mark.parametrize("wait", ["0", "1", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_the_routes_backoff_holds_where_it_is_longer(wait, post, queue, worker, receiver):
    post()
    worker.routes["routes"]["WON"]["retry"] = {"base": "5s", "max": "5s", "jitter": "none"}
    receiver.respond = lambda delivery: (
        Answer(503, Retry_After=wait) if len(receiver.deliveries) == 1 else Answer()
    )
    running = worker.start()
    queue.send({"eventType": "WON", "name": "asked"})
    receiver.wait_for(1)
    # It shows that the receiver is there.
    queue.send({"eventType": "WON", "name": "other"})
    receiver.wait_for(3)
    running.stop()
    first, again = [each for each in receiver.deliveries if each.json["name"] == "asked"]
    assert again.at - first.at >= 4.9


def test_it_is_heeded_no_longer_than_the_route_allows(post, queue, worker, receiver):
    post(retryAfterMax="1s")
    receiver.respond = lambda delivery: (
        Answer(503, Retry_After="86400") if len(receiver.deliveries) == 1 else Answer()
    )
    running = worker.start()
    queue.send({"eventType": "WON", "name": "asked"})
    receiver.wait_for(1)
    queue.send({"eventType": "WON", "name": "other"})
    receiver.wait_for(3)
    running.stop()


def test_redirects_are_not_followed(post, queue, worker, receiver):
    post()
    receiver.respond = lambda delivery: Answer(307, Location=f"{receiver.address}/elsewhere")
    queue.send({"eventType": "WON"})
    worker.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == "badRequest" and "redirects are not followed" in failure["message"]
    assert [delivery.path for delivery in receiver.deliveries] == ["/hooks"]


def test_of_an_endless_answer_a_little_is_read(post, queue, worker, receiver):
    sent = {200: 0, 422: 0}
    ended = threading.Semaphore(0)

    def respond(delivery):
        status = delivery.json["status"]

        def answer(handler):
            handler.send_response(status)
            handler.send_header("Content-Length", str(1 << 30))
            handler.end_headers()
            try:
                while sent[status] < 1 << 30:
                    sent[status] += handler.connection.send(b"y" * 65536)
            finally:
                ended.release()

        return answer

    post()
    receiver.respond = respond
    for status in sent:
        queue.send({"eventType": "WON", "status": status})
    worker.run_until_empty()
    assert queue.dead_letter().failure["received"] == "y" * 4096
    for _ in sent:
        assert ended.acquire(timeout=30)
    # What the sockets hold comes on top.
    assert max(sent.values()) < 32 << 20


def test_an_answer_that_drips_counts_by_its_status_when_the_time_is_over(post, queue, worker, receiver):
    post(timeout="5s")
    receiver.respond = lambda delivery: receiver.drip(delivery.json["status"])
    for status in (200, 422):
        queue.send({"eventType": "WON", "status": status})
    worker.run_until_empty()
    assert len(receiver.deliveries) == 2
    failure = queue.dead_letter().failure
    assert failure["kind"] == "badRequest" and failure["received"].startswith("xxx")


def test_no_answer_at_all(post, queue, worker, receiver, fails_at_once):
    post("RESET", errors=fails_at_once)
    post("HANGS", errors=fails_at_once, timeout="5s")
    receiver.respond = lambda delivery: reset if delivery.json["eventType"] == "RESET" else receiver.hang
    for event_type in ("RESET", "HANGS"):
        queue.send({"eventType": event_type})
    worker.run_until_empty()
    kinds = {letter.failure["route"]: letter.failure["kind"] for letter in queue.dead_letters()}
    assert kinds == {"RESET": "network", "HANGS": "timeout"}
    assert len(receiver.deliveries) == 2
