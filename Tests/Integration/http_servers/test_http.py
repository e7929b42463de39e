"""What RFC 9110 and RFC 9112 say of connections and messages, where clients rely on it."""

import subprocess
import time
from email.utils import parsedate_to_datetime

import pytest

from support import takes_at_most
from support.http import credential
from support.wire import connections

AT_ONCE = 4
"""Seconds: more than a busy machine takes, and less than any time limit of the servers."""


@pytest.fixture
def connection(served):
    with connections(served.endpoint) as [connection]:
        yield connection


def send_message(server, **headers):
    """The head of a request whose body is `{}`, whatever is done with that."""
    named = {
        "Host": server.endpoint.removeprefix("http://"),
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ListQueues",
        "Authorization": credential("us-east-1"),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return "POST / HTTP/1.1\n" + "".join(f"{name}: {value}\n" for name, value in named.items()) + "\n"


def test_a_connection_is_kept(served, connection):
    for _ in range(3):
        status, headers, body = connection.send(served.get()).answer()
        assert (status, "connection" in headers) == (200, False)
        assert body
    assert not connection.is_closed(within=0.1)


@pytest.mark.parametrize("value", ["close", "Close", "close, te"])
def test_a_connection_is_closed_when_its_client_says_so(value, served, connection):
    status, headers, _ = connection.send(served.get(Connection=value)).answer()
    assert (status, headers["connection"]) == (200, "close")
    assert connection.is_closed(within=AT_ONCE)


def test_a_connection_of_http_1_0_is_closed(served, connection):
    status, headers, body = connection.send(served.get("1.0")).answer()
    assert (status, headers["connection"]) == (200, "close")
    assert body
    assert connection.is_closed(within=AT_ONCE)


def test_a_connection_of_http_1_0_is_kept_when_its_client_asks_for_it(served, connection):
    for _ in range(2):
        status, headers, _ = connection.send(served.get("1.0", Connection="keep-alive")).answer()
        assert (status, headers["connection"]) == (200, "keep-alive")
    assert not connection.is_closed(within=0.1)


def test_requests_are_answered_in_their_order(served, connection):
    requests = [served.get(), served.get(path="/nothing?Action=Nothing"), served.get(method="HEAD"), served.get()]
    for _ in range(20):
        connection.send("".join(requests))
        answers = [connection.answer(), connection.answer(), connection.head(), connection.answer()]
        assert [answer[0] for answer in answers] == [200, answers[1][0], 200, 200]
        assert answers[0][2][:20] == answers[3][2][:20]


def test_what_follows_the_last_request_is_not_answered(served, connection):
    connection.send(served.get(Connection="close") + served.get())
    assert connection.answer()[0] == 200
    assert connection.is_closed(within=AT_ONCE)
    assert connection.rest == b""


def test_head_has_the_head_alone(served, connection):
    _, expected, body = connection.send(served.get()).answer()
    for _ in range(2):
        status, headers = connection.send(served.get(method="HEAD")).head()
        assert (status, headers["content-type"]) == (200, expected["content-type"])
        assert int(headers["content-length"]) > 0
    # Nothing came in between.
    assert connection.send(served.get()).answer()[2][:20] == body[:20]


def test_an_error_to_head_has_no_body_either(served, connection):
    assert connection.send(served.get(method="HEAD", path="/nothing?Action=Nothing")).head()[0] in (400, 404)
    assert connection.send(served.get()).answer()[0] == 200


def test_who_asks_for_http_2_is_answered_in_http_1_1(served, connection):
    """As curl and Java's HttpClient ask with their first request; what follows it would not be read as HTTP."""
    request = served.get(Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABk")
    status, headers, body = connection.send(request).answer()
    assert (status, headers["connection"]) == (200, "close")
    assert body
    assert connection.is_closed(within=AT_ONCE)


def test_who_takes_it_for_a_proxy_is_refused(served, connection):
    status, headers, _ = connection.send(served.get(method="CONNECT", path="example.com:443")).answer()
    assert status in (404, 405) and headers["connection"] == "close"
    assert connection.is_closed(within=AT_ONCE)


BAD = {
    "a header beyond the limit": (431, lambda get: get(X_Long="x" * 100_000)),
    "a path beyond the limit": (431, lambda get: get(path="/" + "x" * 100_000)),
    "too many headers": (431, lambda get: get(**{f"X_{number}": "x" for number in range(1001)})),
    "no host": (400, lambda get: get().replace("Host", "Guest")),
    "two hosts": (400, lambda get: get(host="elsewhere")),
    "two lengths": (400, lambda get: get(Content_Length="1", content_length="2") + "xx"),
    "a length that is none": (400, lambda get: get(Content_Length="many")),
    "a length below nothing": (400, lambda get: get(Content_Length="-1")),
    "a length and chunks": (400, lambda get: get(Content_Length="3", Transfer_Encoding="chunked") + "0\n\n"),
    "chunks that are none": (400, lambda get: get(Transfer_Encoding="chunked") + "many\n\n"),
    "a space in a name": (400, lambda get: get().replace("Host:", "Host :")),
    "another version": (505, lambda get: get(version="3.0")),
    "HTTP/2": (400, lambda get: "PRI * HTTP/2.0\n\nSM\n\n"),
    "HTTP/0.9 with its version": (505, lambda get: get(version="0.9")),
    "another coding than chunks": (400, lambda get: get(Transfer_Encoding="gzip")),
    "a NUL in a header": (400, lambda get: get(X="a\0b")),
    "no HTTP": (400, lambda get: "hello\n\n"),
    "TLS": (400, lambda get: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_http_is_refused(what, served, connection):
    expected, make = BAD[what]
    connection.send(served.get())
    assert connection.answer()[0] == 200
    status, headers, _ = connection.send(make(served.get)).answer()
    assert (status, headers["connection"]) == (expected, "close")
    assert connection.is_closed(within=2 * AT_ONCE)
    with connections(served.endpoint) as [other]:
        assert other.send(served.get()).answer()[0] == 200


def test_the_date_is_that_of_the_answer(served, connection):
    for _ in range(5):
        # Just after a second has begun, a date that is kept for a second is that of the one before.
        time.sleep(1.02 - time.time() % 1)
        before = int(time.time())
        status, headers, _ = connection.send(served.get()).answer()
        date = parsedate_to_datetime(headers["date"]).timestamp()
        assert before <= date <= time.time()
        assert headers["date"].endswith(" GMT")


class TestRequestsWithABody:
    @pytest.fixture
    def connection(self, local_queue):
        with connections(local_queue.endpoint) as [connection]:
            yield connection

    def test_a_client_that_asks_whether_to_go_on_is_told_to(self, local_queue, connection):
        for _ in range(2):
            connection.send(send_message(local_queue, Content_Length=2, Expect="100-continue"))
            with takes_at_most(AT_ONCE, "100 Continue"):
                assert connection.head()[0] == 100
            status, _, body = connection.send("{}").answer()
            assert (status, body) == (200, b"{}")

    def test_one_that_does_not_wait_for_it_is_answered_too(self, local_queue, connection):
        connection.send(send_message(local_queue, Content_Length=2, Expect="100-continue") + "{}")
        assert connection.head()[0] == 100
        assert connection.answer()[0] == 200

    def test_one_of_http_1_0_is_not_told(self, local_queue, connection):
        head = send_message(local_queue, Content_Length=2, Expect="100-continue").replace("HTTP/1.1", "HTTP/1.0")
        assert connection.send(head + "{}").answer()[0] == 200

    def test_what_is_too_much_is_refused_before_it_is_sent(self, local_queue, connection):
        connection.send(send_message(local_queue, Content_Length=100 << 20, Expect="100-continue"))
        status, headers, _ = connection.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert connection.is_closed(within=2 * AT_ONCE)

    def test_pipelined_ones_are_told_in_their_turn(self, local_queue, connection):
        connection.send(send_message(local_queue, Content_Length=2) + "{}")
        connection.send(send_message(local_queue, Content_Length=2, Expect="100-continue"))
        assert connection.answer()[0] == 200
        assert connection.head()[0] == 100
        assert connection.send("{}").answer()[0] == 200

    def test_curl_does_not_wait_for_a_second(self, local_queue):
        url = f"{local_queue.endpoint}/?Action=ListQueues&Version=2012-11-05"
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect: 100-continue"]
        # curl would wait for a minute, and go on.
        command += ["--expect100-timeout", "60", "-d", "Attribute=x", url]
        with takes_at_most(30, "a request of curl's"):
            assert subprocess.run(command, capture_output=True, text=True, timeout=120).stdout == "200"

    def test_a_body_that_asks_for_http_2_is_read(self, local_queue, connection):
        head = send_message(local_queue, Content_Length=2, Connection="Upgrade", Upgrade="h2c")
        status, _, body = connection.send(head).send("{}").answer()
        assert (status, body) == (200, b"{}")

    def test_a_body_may_come_in_chunks(self, local_queue, connection):
        head = send_message(local_queue, Transfer_Encoding="chunked")
        for _ in range(2):
            connection.send(head + "1\n{\n")
            connection.send("1;extension=x\n}\n0\nTrailer: x\n\n")
            status, _, body = connection.answer()
            assert (status, body) == (200, b"{}")
