"""What can be wrong with a queue and its dead-letter queue; the printed commands mend it."""

import json

import pytest

from support.events import item


def attributes(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_no_redrive_policy(doctor, mend, queue, prizes, sqs):
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
    report = doctor()
    assert report.code == 1
    mend(report.one("redrive", "wrong"))
    policy = json.loads(attributes(sqs, queue.url)["RedrivePolicy"])
    assert int(policy["maxReceiveCount"]) == 3
    doctor().is_well()


def test_a_queue_that_does_not_exist(doctor, mend, worker, queue, prizes):
    worker.environment["AWS_SQS_QUEUE_URL"] += "-elsewhere"
    report = doctor()
    wrong = report.one("queue", "wrong")
    assert report.code == 1 and "does not exist" in wrong["message"]
    assert report.of("permissions") == report.of("redrive") == []
    mend(wrong)
    assert doctor().one("queue", "ok")


def test_a_dead_letter_queue_that_does_not_exist(doctor, mend, queue, prizes, sqs):
    sqs.delete_queue(QueueUrl=queue.dead_letter_url)
    report = doctor()
    assert report.code == 1
    wrong = report.one("dead letters", "wrong")
    assert queue.dead_letter_url.rsplit("/", 1)[-1] in wrong["message"]
    mend(wrong)
    doctor().is_well()


def test_another_max_receive_count(doctor, worker, queue, prizes):
    worker.settings["maxReceiveCount"] = 7
    report = doctor()
    warning = report.one("redrive", "warning")
    assert report.code == 0
    assert warning["remedy"][0].startswith("maxReceiveCount: 3")


def test_one_receive_is_few(doctor, mend, worker, queue, prizes, sqs):
    policy = json.loads(attributes(sqs, queue.url)["RedrivePolicy"]) | {"maxReceiveCount": 1}
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": json.dumps(policy)})
    worker.settings["maxReceiveCount"] = 1
    mend(doctor().one("redrive", "warning"))
    worker.settings["maxReceiveCount"] = 3
    doctor().is_well()


def test_dead_letters_that_wait(doctor, worker, queue, prizes):
    queue.send(item(type="nothing"))
    worker.run_until_empty()
    report = doctor()
    warning = report.one("dead letters", "warning")
    assert report.code == 0 and "1 message" in warning["message"]
    command = warning["remedy"][0].split()
    assert command[:3] == ["worker", "dead-letters", "list"]
    assert "nothing" in worker.command(*command[1:]).succeeded().stdout


def test_dead_letters_that_expire_before_anyone_looks(doctor, mend, queue, prizes, sqs):
    sqs.set_queue_attributes(QueueUrl=queue.dead_letter_url, Attributes={"MessageRetentionPeriod": "3600"})
    mend(doctor().one("dead letters", "warning"))
    doctor().is_well()


def test_content_based_deduplication(doctor, mend, make_queue, worker, prizes, sqs):
    """The prize that is given again within five minutes is another prize, and SQS drops it."""
    queue = make_queue(".fifo")
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"ContentBasedDeduplication": "true"})
    worker.environment["AWS_SQS_QUEUE_URL"] = queue.url
    report = doctor()
    warning = report.one("queue", "warning")
    assert report.code == 0 and "MessageDeduplicationId" in warning["message"]
    mend(warning)
    assert [finding["status"] for finding in doctor().of("queue")] == ["ok"]


def test_nothing_answers(doctor, worker, queue, prizes):
    worker.environment["AWS_ENDPOINT_URL_SQS"] = "http://127.0.0.1:9"
    report = doctor()
    assert report.code == 1
    assert "local-queue --port 9" in report.one("queue", "wrong")["remedy"][0]
    assert report.one("clock", "skipped")
    assert report.one("configuration", "ok") and report.of("plugin")


def test_a_queue_that_says_nothing_is_not_waited_for_long(doctor, proxy, queue, prizes):
    proxy.on_request = lambda operation, body: lambda exchange: exchange.wait_for_hangup()
    report = doctor()
    assert "no answer within 5 s" in report.one("queue", "wrong")["message"]
    assert report.of("plugin")


@pytest.mark.parametrize(
    ("route", "settings", "words"),
    [
        ({}, {"visibilityTimeout": "2s"}, "renewal"),
        ({}, {"visibilityTimeout": "6h"}, "hidden"),
        ({"timeout": "12h"}, {}, "12h"),
        ({"retry": {"base": "12h", "max": "12h"}}, {"maxReceiveCount": 3}, "expire before"),
    ],
    ids=["short", "long", "endless handler", "endless retries"],
)
def test_times_that_do_not_fit(route, settings, words, doctor, worker, queue, prizes, sqs):
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"MessageRetentionPeriod": "86400"})
    worker.settings.update(settings)
    worker.routes["routes"]["ITEM_AWARDED"].update(route)
    report = doctor()
    assert report.code == 0
    assert words in report.one("visibility", "warning")["message"]


def test_a_handler_that_takes_longer_than_the_timeout_is_no_trouble(doctor, worker, queue, prizes):
    worker.routes["routes"]["ITEM_AWARDED"]["timeout"] = "1h"
    assert "renewed" in doctor().is_well().one("visibility", "ok")["message"]
