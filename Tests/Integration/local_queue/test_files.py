"""The files of the local queue: moved, deleted or replaced under it, and whom they let in."""

import os
import shutil
import sqlite3
import threading
from contextlib import closing

import pytest
from botocore.exceptions import ClientError

from support import takes_at_most
from support.contract import ContractQueue
from support.server import LocalQueueServer, messages
from support.sqs import client_without_retries as client

pytestmark = pytest.mark.one_client


@pytest.fixture
def make_server(binary, tmp_path):
    servers = []

    def make(folder="data"):
        server = LocalQueueServer(binary, tmp_path / folder)
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.is_running:
            server.kill()
        print(server.log())


def database(server):
    return server.folder / "queues.sqlite"


def log(server):
    return server.folder / "queues.sqlite-wal"


def aside(path):
    return path.with_name(path.name + ".aside")


def move_all(server):
    for path in (database(server), log(server)):
        path.rename(aside(path))


def replace_database(server):
    move_all(server)
    shutil.copy(aside(database(server)), database(server))
    shutil.copy(aside(log(server)), log(server))


def replace_folder(server):
    server.folder.rename(aside(server.folder))
    server.folder.mkdir()


LOSSES = {
    "the database is moved": lambda server: database(server).rename(aside(database(server))),
    "the database is deleted": lambda server: database(server).unlink(),
    "the log is moved": lambda server: log(server).rename(aside(log(server))),
    "the log is deleted": lambda server: log(server).unlink(),
    "both are moved": move_all,
    "both are replaced by copies": replace_database,
    "the folder is moved": lambda server: server.folder.rename(aside(server.folder)),
    "the folder is replaced": replace_folder,
    "the folder is deleted": lambda server: shutil.rmtree(server.folder),
}


@pytest.fixture
def server(make_server):
    return make_server().start()


@pytest.fixture
def queue(server):
    sqs = client(server.endpoint)
    return ContractQueue(sqs, sqs.create_queue(QueueName="kept")["QueueUrl"])


def is_refused(call):
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "was moved, deleted or replaced" in answer["Error"]["Message"]
    assert "queues.sqlite" in answer["Error"]["Message"]


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_is_acknowledged_without_the_files_that_it_rests_on(loss, server, queue, make_server):
    queue.send("before")
    LOSSES[loss](server)
    is_refused(lambda: queue.send("after"))
    is_refused(lambda: queue.receive(1))
    is_refused(lambda: queue.sqs.create_queue(QueueName="another"))
    assert "was moved, deleted or replaced" in server.stderr

    if "folder" not in loss:
        second = make_server().launch()
        assert second.wait() > 0
        assert "--data" in second.stderr
    with takes_at_most(10, "ending"):
        server.stop()


def test_a_receive_that_waits_is_told(server, queue):
    polling = threading.Event()
    told = []

    def poll():
        polling.set()
        try:
            queue.receive(1, wait=20)
        except ClientError as error:
            told.append(error.response["Error"]["Message"])

    thread = threading.Thread(target=poll)
    thread.start()
    polling.wait()
    # A poll of our own is the clock: the other waits.
    queue.receive(1, wait=1)
    database(server).rename(aside(database(server)))
    is_refused(lambda: queue.send("after"))
    thread.join()
    assert "was moved, deleted or replaced" in told[0]


@pytest.mark.parametrize("loss", ["the database is moved", "the log is moved", "both are moved", "the folder is moved"])
def test_what_is_put_back_goes_on(loss, server, queue):
    sent = [queue.send("before")["MessageId"]]
    LOSSES[loss](server)
    is_refused(lambda: queue.send("meanwhile"))
    for path in (server.folder, database(server), log(server)):
        if aside(path).exists():
            aside(path).rename(path)
    sent.append(queue.send("after")["MessageId"])
    server.kill()
    server.start()
    url = client(server.endpoint).get_queue_url(QueueName="kept")["QueueUrl"]
    assert [message["MessageId"] for message in messages(server.endpoint, url)] == sent


def test_what_was_acknowledged_before_its_log_was_deleted_is_there_after_a_stop(server, queue):
    sent = [queue.send(f"{number}")["MessageId"] for number in range(20)]
    log(server).unlink()
    is_refused(lambda: queue.send("after"))
    server.stop()
    server.start()
    url = client(server.endpoint).get_queue_url(QueueName="kept")["QueueUrl"]
    assert [message["MessageId"] for message in messages(server.endpoint, url)] == sent


def test_the_end_of_one_whose_folder_was_moved_leaves_the_next_one_alone(server, queue, make_server):
    queue.send("before")
    LOSSES["the folder is moved"](server)
    next_server = make_server().start()
    sqs = client(next_server.endpoint)
    url = sqs.create_queue(QueueName="new")["QueueUrl"]
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]
    server.stop()
    assert log(next_server).exists()
    next_server.kill()
    next_server.start()
    url = client(next_server.endpoint).get_queue_url(QueueName="new")["QueueUrl"]
    assert [message["MessageId"] for message in messages(next_server.endpoint, url)] == [sent]


def test_a_log_that_is_left_says_nothing_to_another_database(server, queue, make_server):
    """A copy of the database alone, put in its place while nobody uses it, is what it was."""
    queue.send("first")
    server.stop()
    shutil.copy(database(server), aside(database(server)))
    server.start()
    url = client(server.endpoint).get_queue_url(QueueName="kept")["QueueUrl"]
    ContractQueue(client(server.endpoint), url).send("second")
    server.stop()
    shutil.copy(aside(database(server)), database(server))
    with closing(sqlite3.connect(database(server))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    server.start()
    url = client(server.endpoint).get_queue_url(QueueName="kept")["QueueUrl"]
    assert [message["Body"] for message in messages(server.endpoint, url)] == ["first"]


def modes(folder):
    return {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}


def test_its_files_are_for_its_user_alone(make_server):
    old = os.umask(0)
    try:
        server = make_server("some/where/data").start()
    finally:
        os.umask(old)
    client(server.endpoint).create_queue(QueueName="kept")
    assert modes(server.folder) == {"data": 0o700, "queues.sqlite": 0o600, "queues.sqlite-wal": 0o600}


def test_files_that_others_could_read_are_closed_to_them(make_server):
    server = make_server().start()
    server.kill()
    server.folder.chmod(0o755)
    database(server).chmod(0o644)
    log(server).chmod(0o644)
    server.start()
    # A folder that was there is somebody's, with what else is in it.
    assert modes(server.folder) == {"data": 0o755, "queues.sqlite": 0o600, "queues.sqlite-wal": 0o600}
