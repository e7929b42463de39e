"""Queues: made, found, listed, described, changed, purged and deleted."""

import time

import pytest

from support.contract import refused

NOT_THERE = "AWS.SimpleQueueService.NonExistentQueue"

DEFAULTS = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "SqsManagedSseEnabled": "true",
}


def test_a_url_ends_in_the_account_and_the_name(queue, server):
    assert queue.url == f"{server.endpoint}/000000000000/{queue.name}"


def test_the_url_is_found_by_the_name(sqs, queue):
    assert sqs.get_queue_url(QueueName=queue.name)["QueueUrl"] == queue.url


def test_a_queue_that_is_not_there_has_no_url(sqs, new_name):
    with refused(NOT_THERE):
        sqs.get_queue_url(QueueName=new_name())


def test_a_queue_has_the_documented_defaults(queue):
    before = int(time.time())
    attributes = queue.attributes()
    assert attributes.pop("QueueArn") == f"arn:aws:sqs:us-east-1:000000000000:{queue.name}"
    for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
        assert before - 60 <= int(attributes.pop(name)) <= time.time() + 1
    assert attributes == DEFAULTS


def test_a_fifo_queue_has_more(new_queue):
    attributes = new_queue(FifoQueue="true").attributes()
    expected = {
        **DEFAULTS,
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }
    assert {name: attributes.get(name) for name in expected} == expected


def test_a_queue_keeps_the_attributes_that_it_is_made_with(new_queue):
    chosen = {
        "VisibilityTimeout": "0",
        "MaximumMessageSize": "1024",
        "MessageRetentionPeriod": "60",
        "DelaySeconds": "900",
        "ReceiveMessageWaitTimeSeconds": "20",
    }
    attributes = new_queue(**chosen).attributes()
    assert {name: attributes[name] for name in chosen} == chosen


def test_only_the_attributes_that_are_asked_for_are_answered(queue):
    assert set(queue.attributes("DelaySeconds", "QueueArn")) == {"DelaySeconds", "QueueArn"}


def test_what_was_never_set_is_not_answered(queue):
    assert queue.attributes("RedrivePolicy", "Policy") == {}


def test_attributes_change_and_the_others_stay(queue):
    queue.set(VisibilityTimeout="7", DelaySeconds="1")
    queue.set(DelaySeconds="2")
    assert queue.attributes("VisibilityTimeout", "DelaySeconds", "MessageRetentionPeriod") == {
        "VisibilityTimeout": "7",
        "DelaySeconds": "2",
        "MessageRetentionPeriod": "345600",
    }


def test_to_make_a_queue_again_answers_with_its_url(sqs, new_queue):
    queue = new_queue(VisibilityTimeout="7")
    assert sqs.create_queue(QueueName=queue.name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"] == queue.url
    assert sqs.create_queue(QueueName=queue.name)["QueueUrl"] == queue.url


def test_to_make_a_queue_again_with_another_attribute_is_refused(sqs, new_queue):
    queue = new_queue(VisibilityTimeout="7")
    with refused("QueueAlreadyExists"):
        sqs.create_queue(QueueName=queue.name, Attributes={"VisibilityTimeout": "8"})
    with refused("QueueAlreadyExists"):
        sqs.create_queue(QueueName=queue.name, Attributes={"DelaySeconds": "8"})
    assert queue.attributes("VisibilityTimeout", "DelaySeconds") == {"VisibilityTimeout": "7", "DelaySeconds": "0"}


def test_names_are_told_apart_by_case(sqs, new_name):
    name = new_name("-a")
    urls = {sqs.create_queue(QueueName=each)["QueueUrl"] for each in (name, name.upper())}
    assert len(urls) == 2


def test_attributes_that_do_not_exist_are_refused(sqs, queue, new_name):
    with refused("InvalidAttributeName"):
        sqs.create_queue(QueueName=new_name(), Attributes={"Colour": "red"})
    with refused("InvalidAttributeName"):
        queue.set(Colour="red")
    with refused("InvalidAttributeName"):
        queue.attributes("Colour")


def test_a_list_is_narrowed_by_a_prefix(sqs, new_name):
    prefix = new_name()
    urls = [sqs.create_queue(QueueName=f"{prefix}-{number}")["QueueUrl"] for number in range(3)]
    assert sorted(sqs.list_queues(QueueNamePrefix=f"{prefix}-")["QueueUrls"]) == urls
    # All that this server has, which the tests before may have made more than one answer holds.
    pages = sqs.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 1000})
    assert set(urls) <= {url for page in pages for url in page["QueueUrls"]}


def test_a_list_of_none_has_no_urls(sqs, new_name):
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=new_name())


def test_a_prefix_is_no_pattern(sqs, queue):
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=queue.name[:-1] + "_")
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="%" + queue.name[1:])


def test_a_long_list_comes_in_pages(sqs, new_name):
    prefix = new_name()
    urls = [sqs.create_queue(QueueName=f"{prefix}-{number}")["QueueUrl"] for number in range(5)]
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    listed = [page["QueueUrls"] for page in pages]
    assert sorted(sum(listed, [])) == urls
    assert [len(page) for page in listed] == [2, 2, 1]


@pytest.mark.parametrize("count", [0, 1001])
def test_a_page_has_one_to_a_thousand_urls(count, sqs):
    with refused("InvalidParameterValue"):
        sqs.list_queues(MaxResults=count)


def test_a_deleted_queue_is_gone(sqs, queue):
    queue.send()
    sqs.delete_queue(QueueUrl=queue.url)
    with refused(NOT_THERE):
        sqs.get_queue_url(QueueName=queue.name)
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=queue.name)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("send_message", {"MessageBody": "hello"}),
        ("send_message_batch", {"Entries": [{"Id": "1", "MessageBody": "hello"}]}),
        ("receive_message", {}),
        ("delete_message_batch", {"Entries": [{"Id": "1", "ReceiptHandle": "x"}]}),
        ("get_queue_attributes", {"AttributeNames": ["All"]}),
        ("set_queue_attributes", {"Attributes": {"DelaySeconds": "1"}}),
        ("purge_queue", {}),
        ("delete_queue", {}),
        ("list_queue_tags", {}),
        ("list_dead_letter_source_queues", {}),
    ],
)
def test_every_operation_says_that_a_queue_is_not_there(operation, arguments, sqs, queue):
    with refused(NOT_THERE):
        getattr(sqs, operation)(QueueUrl=f"{queue.url}-nowhere", **arguments)


def test_the_counts_tell_what_is_visible_in_flight_and_delayed(queue):
    for number in range(3):
        queue.send(str(number))
    queue.send("later", DelaySeconds=900)
    assert queue.counts() == (3, 0, 1)
    [message] = queue.receive(1)
    assert queue.counts() == (2, 1, 1)
    queue.delete(message)
    assert queue.counts() == (2, 0, 1)


def test_a_purge_empties_a_queue_of_all_its_messages(sqs, new_queue):
    queue, other = new_queue(VisibilityTimeout="600"), new_queue()
    other.send("stays")
    for number in range(3):
        queue.send(str(number))
    queue.send("later", DelaySeconds=900)
    queue.receive(1)
    sqs.purge_queue(QueueUrl=queue.url)
    assert queue.counts() == (0, 0, 0)
    assert other.counts() == (1, 0, 0)
    queue.send("new")
    assert [message["Body"] for message in queue.receive()] == ["new"]
