"""`worker local-queue` as a process: how it starts, what it says when it cannot, and how it ends."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing

import pytest

import support.http
from ports import free_port
from support import takes_at_most, wait_until
from support.server import READY, LocalQueueServer

pytestmark = pytest.mark.one_client


@pytest.fixture
def make_server(binary, tmp_path):
    """Makes servers, each on a folder of its own unless it is named; none runs yet."""
    servers = []

    def make(*arguments, data=None):
        server = LocalQueueServer(binary, data or tmp_path / f"data-{len(servers)}", *arguments)
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.is_running:
            server.kill()
        print(server.log())


def call(server, operation, **arguments):
    answer = support.http.Http(server.endpoint).json(operation, arguments)
    assert answer.status == 200, answer.body
    return answer.json


def fails(server, *mentioned):
    """It ends with an error of its own making, which mentions what it should."""
    code = server.wait()
    assert code > 0, f"exit code {code}\n{server.log()}"
    assert [word for word in mentioned if word not in server.stderr] == [], server.log()
    assert not READY.search(server.stdout)
    assert "Fatal error" not in server.stderr


def test_it_says_where_it_listens_and_makes_its_folder(make_server):
    server = make_server().start()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.endpoint)
    assert (server.folder / "queues.sqlite").exists()
    url = call(server, "CreateQueue", QueueName="first")["QueueUrl"]
    assert url == f"{server.endpoint}/000000000000/first"


def test_a_port_may_be_named(make_server):
    port = free_port()
    server = make_server("--port", port).start()
    assert server.endpoint == f"http://127.0.0.1:{port}"


def test_an_account_may_be_named(make_server):
    server = make_server("--account", "123456789012").start()
    url = call(server, "CreateQueue", QueueName="mine")["QueueUrl"]
    assert url == f"{server.endpoint}/123456789012/mine"
    attributes = call(server, "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    assert attributes["QueueArn"] == "arn:aws:sqs:us-east-1:123456789012:mine"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_well(number, make_server):
    server = make_server().start()
    server.process.send_signal(number)
    with takes_at_most(15, "ending"):
        assert server.wait() == 0
    assert "Fatal error" not in server.stderr


def test_a_long_poll_does_not_hold_up_its_end(make_server):
    server = make_server().start()
    url = call(server, "CreateQueue", QueueName="polled")["QueueUrl"]
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20})
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = server.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall((head + body).encode())
        # A poll of our own is the clock: the other waits.
        call(server, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=1)
        server.process.terminate()
        with takes_at_most(12, "ending while a poll waits"):
            assert server.wait() == 0


def test_what_it_holds_outlives_it(make_server):
    server = make_server().start()
    url = call(server, "CreateQueue", QueueName="kept", Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    sent = call(server, "SendMessage", QueueUrl=url, MessageBody="hello")
    server.stop()
    server.start()
    url = call(server, "GetQueueUrl", QueueName="kept")["QueueUrl"]
    [message] = call(server, "ReceiveMessage", QueueUrl=url)["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "hello")
    names = ["VisibilityTimeout"]
    answer = call(server, "GetQueueAttributes", QueueUrl=url, AttributeNames=names)
    assert answer["Attributes"] == {"VisibilityTimeout": "7"}


def test_a_receipt_outlives_it(make_server):
    server = make_server().start()
    url = call(server, "CreateQueue", QueueName="kept")["QueueUrl"]
    call(server, "SendMessage", QueueUrl=url, MessageBody="hello")
    [message] = call(server, "ReceiveMessage", QueueUrl=url, VisibilityTimeout=600)["Messages"]
    server.kill()
    server.start()
    url = call(server, "GetQueueUrl", QueueName="kept")["QueueUrl"]
    assert "Messages" not in call(server, "ReceiveMessage", QueueUrl=url)
    call(server, "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert call(server, "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"][
        "ApproximateNumberOfMessagesNotVisible"
    ] == "0"


def test_a_port_that_is_taken_is_said_with_what_to_do(make_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        fails(make_server("--port", port).launch(), str(port), "--port")


def test_two_cannot_share_a_folder(make_server):
    first = make_server().start()
    second = make_server(data=first.folder.parent / "link")
    (first.folder.parent / "link").symlink_to(first.folder)
    fails(second.launch(), "--data")
    call(first, "CreateQueue", QueueName="still-works")
    first.stop()
    second.start()
    call(second, "GetQueueUrl", QueueName="still-works")


def test_the_folder_of_one_that_was_killed_is_free(make_server):
    server = make_server().start()
    server.kill()
    server.start()


def test_a_folder_that_cannot_be_made_is_named(make_server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    fails(make_server(data=tmp_path / "file" / "data").launch(), str(tmp_path / "file"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(make_server, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    fails(make_server(data=folder).launch(), str(folder))


def test_data_of_a_newer_version_is_left_alone(make_server):
    server = make_server().start()
    server.stop()
    path = server.folder / "queues.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO grdb_migrations (identifier) VALUES ('from the future')")
        database.commit()
    fails(server.launch(), str(path), "newer")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM grdb_migrations WHERE identifier = 'from the future'").fetchone()


def test_data_that_is_no_database_is_left_alone(make_server):
    server = make_server()
    server.folder.mkdir()
    path = server.folder / "queues.sqlite"
    path.write_bytes(b"this is no database, but somebody's file" * 100)
    fails(server.launch(), str(path))
    assert path.read_bytes() == b"this is no database, but somebody's file" * 100


def test_data_that_is_damaged_is_said(make_server):
    server = make_server().start()
    call(server, "CreateQueue", QueueName="damaged")
    server.stop()
    with closing(sqlite3.connect(server.folder / "queues.sqlite")) as database, database:
        database.execute("UPDATE queues SET attributes = 'nonsense'")
    fails(server.launch(), "queues.sqlite", "--data")


def test_what_it_keeps_is_for_its_user_alone(make_server):
    server = make_server().start()
    assert server.folder.stat().st_mode & 0o077 == 0
    assert (server.folder / "queues.sqlite").stat().st_mode & 0o077 == 0


def test_a_host_that_is_none_is_said(make_server):
    fails(make_server("--host", "nowhere.invalid").launch(), "nowhere.invalid", "--host")


@pytest.mark.parametrize(
    "arguments",
    [["--port", "65536"], ["--port", "-1"], ["--port", "many"], ["--account", "me"], ["--account", "12"]],
    ids=" ".join,
)
def test_options_that_are_none_are_refused(arguments, make_server):
    fails(make_server(*arguments).launch(), arguments[0])


def test_help_names_the_options(binary):
    shown = subprocess.run([binary, "local-queue", "--help"], capture_output=True, text=True, timeout=30)
    assert shown.returncode == 0
    options = ["--host", "--port", "--data", "--account", "--no-sync"]
    assert [option for option in options if option not in shown.stdout] == []


def test_many_idle_connections_do_not_keep_it_from_answering(make_server):
    server = make_server().start()
    host, port = server.endpoint.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port)), timeout=10) for _ in range(100)]
    try:
        with takes_at_most(20, "an answer beside a hundred idle connections"):
            call(server, "CreateQueue", QueueName="busy")
        server.process.terminate()
        wait_until(lambda: not server.is_running, "it ends though connections are open", 30)
    finally:
        for connection in idle:
            connection.close()
