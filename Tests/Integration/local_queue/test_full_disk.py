"""A full disk: the local queue takes no more messages, says why, and hands out and deletes what it has."""

import os
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import ClientError

from support import wait_until
from support.contract import ContractQueue, entry, refused
from support.disk import fill, make_read_only, small_disk
from support.server import LocalQueueServer, messages
from support.sqs import client_without_retries

pytestmark = pytest.mark.one_client

MIB = 1_048_576


@pytest.fixture
def disk():
    with small_disk(64 * MIB) as folder:
        yield folder


@pytest.fixture
def server(binary, disk):
    server = LocalQueueServer(binary, disk / "data")
    yield server
    if server.is_running:
        server.kill()
    print(server.log())


def new_queue(server, name, **attributes):
    sqs = client_without_retries(server.endpoint)
    return ContractQueue(sqs, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def find_queue(server, name):
    sqs = client_without_retries(server.endpoint)
    return ContractQueue(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])


def send_until_refused(queue, body):
    """The bodies that were taken, and the error that ended it."""
    taken = []
    while len(taken) < 10_000:
        try:
            queue.send(f"{len(taken)} {body}")
        except ClientError as error:
            return taken, error.response["Error"]
        taken.append(f"{len(taken)} {body}")
    raise AssertionError("a full disk takes 10,000 messages")


def receive_and_delete(queue):
    """The bodies of ten messages at most."""
    received = queue.receive(10)
    if received:
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(received)]
        answer = queue.sqs.delete_message_batch(QueueUrl=queue.url, Entries=entries)
        assert "Failed" not in answer, answer
    return [message["Body"] for message in received]


def receive_and_delete_all(queue):
    bodies = []
    while received := receive_and_delete(queue):
        bodies += received
    return bodies


@pytest.mark.parametrize("size", [10_000, 100_000, MIB - 10])
def test_what_it_has_is_received_and_deleted(size, server, disk):
    queue = new_queue(server.start(), "full")
    before = [f"before-{number}" + size * "b" for number in range(12)]
    for body in before:
        queue.send(body)
    filler = disk / "filler"
    fill(filler)
    taken, error = send_until_refused(queue, (size - 10) * "x")
    assert error["Code"] == "ServiceUnavailable"
    assert "full" in error["Message"] and "Free some space" in error["Message"]
    with refused("ServiceUnavailable"):
        new_queue(server, "another")

    assert sorted(receive_and_delete_all(queue)) == sorted(before + taken)
    assert queue.counts() == (0, 0, 0)
    # What was deleted made room, and so does the disk.
    queue.send("after")
    filler.unlink()
    sent = [f"{number}" + size * "y" for number in range(20)]
    for body in sent:
        queue.send(body)
    assert sorted(receive_and_delete_all(queue)) == sorted([*sent, "after"])


def test_senders_that_are_refused_hold_up_nobody(server, disk):
    """Their requests share transactions with those that receive and delete."""
    queue = new_queue(server.start(), "busy")
    before = {f"before-{number}" for number in range(300)}
    for number in range(0, 300, 10):
        queue.send_batch(*(entry(part, f"before-{number + part}") for part in range(10)))
    fill(disk / "filler")
    stop = threading.Event()
    sent, refusals = [], []

    def send(name):
        mine, number = find_queue(server, "busy"), 0
        while not stop.is_set():
            number += 1
            body = f"{name}-{number} {100_000 * 'x'}"
            try:
                mine.send(body)
                sent.append(body)
            except ClientError as error:
                refusals.append(error.response["Error"]["Code"])
                stop.wait(0.01)

    senders = [threading.Thread(target=send, args=[f"sender-{number}"]) for number in range(8)]
    for sender in senders:
        sender.start()
    try:
        wait_until(lambda: refusals, "a sender is refused", 60)
        received = []

        def has_received_all():
            received.extend(receive_and_delete(queue))
            return before <= set(received)

        wait_until(has_received_all, "all that was there is received", 120, interval=0)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    received += receive_and_delete_all(queue)
    assert set(refusals) == {"ServiceUnavailable"}
    assert sorted(received) == sorted([*before, *sent])


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_starts(end, server, disk):
    """There are deduplications to be forgotten, which would be a write."""
    queue = new_queue(server.start(), "old.fifo", FifoQueue="true")
    sent = [f"message-{number}" for number in range(200)]
    for body in sent:
        queue.send(body, MessageGroupId=body, MessageDeduplicationId=body)
    getattr(server, end)()
    age_deduplications(server.folder / "queues.sqlite")
    fill(disk / "filler")
    for _ in range(2):
        server.start()
        queue = find_queue(server, "old.fifo")
        [message] = queue.receive(1, VisibilityTimeout=0)
        assert message["Body"] == sent[0]
        getattr(server, end)()
    server.start()
    queue = find_queue(server, "old.fifo")
    assert sorted(receive_and_delete_all(queue)) == sorted(sent)
    assert messages(server.endpoint, queue.url) == []


def age_deduplications(path):
    """Makes all deduplications ten minutes older, by a process that leaves the log as it is."""
    program = f"""
import os, sqlite3
database = sqlite3.connect({str(path)!r})
database.execute("UPDATE deduplications SET sent_at = sent_at - 600000")
database.commit()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert os.path.getsize(f"{path}-wal") > 0


def test_space_that_was_not_to_be_had_is_taken_when_it_is_there(server, disk):
    """Somebody deleted the log while the server was stopped, and with it the space that was kept."""
    queue = new_queue(server.start(), "kept")
    queue.send("before")
    server.stop()
    (server.folder / "queues.sqlite-wal").unlink()
    filler = disk / "filler"
    fill(filler)
    server.start()
    queue = find_queue(server, "kept")
    with refused("ServiceUnavailable"):
        queue.receive(1)
    filler.unlink()
    queue.send("after")
    fill(filler)
    assert receive_and_delete_all(queue) == ["before", "after"]


def test_a_disk_that_may_only_be_read_is_said(server, disk):
    new_queue(server.start(), "kept")
    server.stop()
    make_read_only(disk)
    server.launch()
    assert server.wait() > 0
    assert str(server.folder) in server.stderr and "read-only" in server.stderr
    assert "PRAGMA" not in server.stderr


def test_a_folder_that_has_nothing_yet_is_refused_with_what_to_do(server, disk):
    fill(disk / "filler")
    server.launch()
    assert server.wait() > 0
    assert "full" in server.stderr and "free some space" in server.stderr
