"""Permissions that are missing, and a clock that is wrong, as AWS would say so."""

import json
import time
from email.utils import formatdate

import pytest

NEEDED = {
    "ReceiveMessage": "sqs:ReceiveMessage",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "SendMessageBatch": "sqs:SendMessage",
}


def refusal(code, message="User: bot is not authorized to perform this"):
    return json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": message}).encode()


def refuse(proxy, *operations, code="AccessDenied", status=403):
    proxy.on_request = lambda called, body: (status, refusal(code)) if called in operations else None


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def statement(finding):
    (line,) = finding["remedy"]
    return json.loads(line)


@pytest.mark.parametrize("operation", NEEDED)
def test_one_that_is_denied(operation, doctor, proxy, queue, prizes, sqs):
    refuse(proxy, operation)
    report = doctor()
    assert report.code == 1 and len(report.having("wrong")) == 1
    url = queue.dead_letter_url if operation == "SendMessageBatch" else queue.url
    assert statement(report.one("permissions", "wrong")) == {
        "Effect": "Allow",
        "Action": [NEEDED[operation]],
        "Resource": arn(sqs, url),
    }


def test_several_that_are_denied_are_one_statement(doctor, proxy, queue, prizes):
    refuse(proxy, "ReceiveMessage", "DeleteMessageBatch")
    wrong = doctor().one("permissions", "wrong")
    assert statement(wrong)["Action"] == ["sqs:ReceiveMessage", "sqs:DeleteMessage"]


def test_no_look_at_the_attributes(doctor, proxy, queue, prizes, sqs):
    """All else is tried; the ARN comes from the URL."""
    expected = arn(sqs, queue.url)
    refuse(proxy, "GetQueueAttributes")
    report = doctor()
    assert report.code == 1
    assert statement(report.one("permissions", "wrong")) == {
        "Effect": "Allow",
        "Action": ["sqs:GetQueueAttributes"],
        "Resource": expected,
    }
    assert "sqs:ReceiveMessage" in report.one("permissions", "ok")["message"]
    assert report.one("queue", "skipped") and report.one("permissions", "skipped")


def test_a_dead_letter_queue_whose_url_is_not_told(doctor, proxy, queue, prizes, sqs):
    refuse(proxy, "GetQueueUrl")
    report = doctor()
    assert report.code == 1
    granted = statement(report.one("permissions", "wrong"))
    assert granted["Action"] == ["sqs:GetQueueUrl"] and granted["Resource"] == arn(sqs, queue.dead_letter_url)
    assert "sqs:SendMessage" in report.one("permissions", "warning")["message"]


def test_an_answer_that_tells_nothing(doctor, proxy, queue, prizes):
    refuse(proxy, "DeleteMessageBatch", code="SomethingElse", status=400)
    report = doctor()
    warning = report.one("permissions", "warning")
    assert report.code == 0
    assert "sqs:DeleteMessage" in warning["message"] and "could not be checked" in warning["message"]


def shift(proxy, seconds):
    def later(exchange):
        status, body = exchange.forward()
        exchange.answer(status, body, {"Date": formatdate(time.time() + seconds, usegmt=True)})

    proxy.on_request = lambda operation, body: later


@pytest.mark.parametrize(
    ("seconds", "status", "direction"),
    [(3600, "wrong", "behind"), (-3600, "wrong", "ahead of"), (150, "warning", "behind"), (20, "ok", "behind")],
)
def test_a_clock_that_differs(seconds, status, direction, doctor, proxy, queue, prizes):
    shift(proxy, seconds)
    finding = doctor().one("clock", status)
    assert direction in finding["message"]
    assert finding["remedy"] == ([] if status == "ok" else ["sudo timedatectl set-ntp true"])


@pytest.mark.parametrize(
    ("code", "remedy"),
    [("RequestTimeTooSkewed", "timedatectl"), ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY")],
)
def test_a_signature_that_is_refused(code, remedy, doctor, proxy, queue, prizes):
    refuse(proxy, "GetQueueAttributes", code=code)
    report = doctor()
    wrong = report.one("queue", "wrong")
    assert report.code == 1
    assert code in wrong["message"] and remedy in wrong["remedy"][0]
