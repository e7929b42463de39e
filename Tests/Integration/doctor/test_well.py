"""A worker that has all that it needs is told so, and the doctor leaves everything as it was."""

import re
import sqlite3
from contextlib import closing

import pytest

from support.events import item

CHECKS = ["configuration", "credentials", "clock", "queue", "redrive", "dead letters", "visibility", "permissions", "plugin"]


def test_every_check_is_ok(doctor, prizes):
    report = doctor().is_well()
    assert list(dict.fromkeys(finding["check"] for finding in report.findings)) == CHECKS
    assert report.having("skipped") == []
    assert all(finding["remedy"] == [] for finding in report.findings)


def test_each_permission_is_tried(doctor, prizes):
    words = " ".join(finding["message"] for finding in doctor().of("permissions"))
    assert set(re.findall(r"sqs:\w+", words)) == {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
        "sqs:GetQueueUrl",
    }


def test_people_read_a_line_for_each(worker, queue, prizes):
    shown = worker.command("doctor", "--routes", worker.write_routes()).succeeded().stdout
    assert re.search(r"^ok +queue prizes +reachable, 0 waiting, 0 in flight", shown, re.MULTILINE)
    assert "No problems found." in shown
    assert "\x1b" not in shown, "no colours but on a terminal"


def test_no_message_is_received_or_added(doctor, queue, prizes, sqs):
    waiting = queue.send(item())
    letter = sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="a letter")["MessageId"]
    for _ in range(5):
        doctor()
    assert [(message.id, message.system["ApproximateReceiveCount"]) for message in queue.receive()] == [(waiting, "1")]
    letters = queue.dead_letters()
    assert [(message.id, message.system["ApproximateReceiveCount"]) for message in letters] == [(letter, "1")]


def test_a_message_in_hand_stays_in_hand(doctor, queue, prizes, sqs):
    queue.send(item())
    handle = sqs.receive_message(QueueUrl=queue.url)["Messages"][0]["ReceiptHandle"]
    assert "1 in flight" in doctor().one("queue", "ok")["message"]
    sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=handle)
    assert queue.size() == 0


def test_the_database_is_the_same(doctor, worker, prizes):
    files = sorted(path.name for path in worker.folder.iterdir())
    with closing(sqlite3.connect(worker.database)) as database:
        before = list(database.iterdump())
    doctor()
    assert sorted(path.name for path in worker.folder.iterdir()) == files
    with closing(sqlite3.connect(worker.database)) as database:
        assert list(database.iterdump()) == before


class TestFIFO:
    @pytest.fixture
    def queue(self, make_queue):
        return make_queue(".fifo")

    def test_a_fifo_queue_is_ok_and_left_alone(self, doctor, queue, prizes):
        queue.send(item(), MessageGroupId="g", MessageDeduplicationId="1")
        doctor().is_well()
        assert [message.system["ApproximateReceiveCount"] for message in queue.receive()] == ["1"]
        assert queue.dead_letters() == []
