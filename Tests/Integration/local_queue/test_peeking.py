"""`/_aws/sqs/messages`: a queue's messages without receiving them. Nothing of it is SQS's: address, parameters and answers
are LocalStack's, whose documentation has them under "Developer endpoints"."""

import urllib.parse

import pytest

from support.http import Http

pytestmark = pytest.mark.one_client

PATH = "/_aws/sqs/messages"


@pytest.fixture
def http(server):
    return Http(server.endpoint)


@pytest.fixture
def mixed(queue):
    """A queue with a message of each state, in the order in which they were sent."""
    queue.send("in flight")
    queue.receive_one(VisibilityTimeout=600)
    queue.send("visible", MessageAttributes={"city": {"DataType": "String", "StringValue": "Oslo"}})
    queue.send("delayed", DelaySeconds=900)
    return queue


def get(http, path=PATH, accept="application/json", **parameters):
    return http.request("GET", f"{path}?{urllib.parse.urlencode(parameters)}", Accept=accept)


def messages(answer):
    """Those of an answer in JSON, with their attributes by name."""
    assert answer.status == 200
    found = answer.json["ReceiveMessageResponse"]["ReceiveMessageResult"].get("Message", [])
    found = found if isinstance(found, list) else [found]
    return {message["Body"]: {each["Name"]: each["Value"] for each in message["Attribute"]} for message in found}


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({}, {"visible"}),
        ({"ShowInvisible": "true"}, {"in flight", "visible"}),
        ({"ShowDelayed": "True"}, {"visible", "delayed"}),
        ({"ShowInvisible": "true", "ShowDelayed": "true"}, {"in flight", "visible", "delayed"}),
        ({"ShowInvisible": "false"}, {"visible"}),
    ],
    ids=["only visible ones", "in flight", "delayed", "all", "none in flight"],
)
def test_it_shows_the_messages_that_are_asked_for_and_changes_nothing(parameters, shown, http, mixed):
    for _ in range(2):
        assert set(messages(get(http, QueueUrl=mixed.url, **parameters))) == shown
    assert mixed.counts() == (1, 1, 1)


def test_each_message_says_what_is_known_of_it(http, mixed):
    shown = messages(get(http, QueueUrl=mixed.url, ShowInvisible="true", ShowDelayed="true"))
    assert {body: each["ApproximateReceiveCount"] for body, each in shown.items()} == {
        "in flight": "1",
        "visible": "0",
        "delayed": "0",
    }
    assert {body: (each["IsVisible"], each["IsDelayed"]) for body, each in shown.items()} == {
        "in flight": ("false", "false"),
        "visible": ("true", "false"),
        "delayed": ("true", "true"),
    }
    assert shown["visible"]["SenderId"] == "000000000000"
    assert {"SentTimestamp", "ApproximateFirstReceiveTimestamp"} <= set(shown["visible"])


def test_it_answers_in_xml_unless_json_is_accepted(http, mixed):
    answer = get(http, accept="*/*", QueueUrl=mixed.url)
    assert answer.root == "ReceiveMessageResponse"
    assert answer.xml("ReceiveMessageResult/Message/Body") == "visible"
    assert answer.xml("ReceiveMessageResult/Message/MessageAttribute/Value/StringValue") == "Oslo"


def test_a_queue_is_named_by_its_url_its_name_or_the_path(http, mixed):
    path = f"{PATH}/us-east-1/000000000000/{mixed.name}"
    for answer in (get(http, QueueUrl=mixed.url), get(http, QueueUrl=mixed.name), get(http, path)):
        assert set(messages(answer)) == {"visible"}
    answer = get(http, f"{PATH}/eu-west-3/000000000000/{mixed.name}")
    assert answer.status == 400
    assert answer.json["ErrorResponse"]["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_client_may_have_it_for_its_endpoint(http, mixed):
    """What receives there looks, and takes nothing."""
    answer = http.query("ReceiveMessage", PATH, QueueUrl=mixed.url, MaxNumberOfMessages="1")
    assert answer.xml("ReceiveMessageResult/Message/Body") == "visible"
    headers = {"Content_Type": "application/x-amz-json-1.0", "X_Amz_Target": "AmazonSQS.ReceiveMessage"}
    answer = http.request("POST", PATH, '{"QueueUrl": "%s"}' % mixed.url, **headers)
    assert [(each["Body"], each["Attributes"]["ApproximateReceiveCount"]) for each in answer.json["Messages"]] == [
        ("visible", "0")
    ]
    assert mixed.counts() == (1, 1, 1)


def test_it_does_nothing_else(http, mixed):
    answer = http.query("SendMessage", PATH, QueueUrl=mixed.url, MessageBody="hello")
    assert (answer.status, answer.xml("Error/Code")) == (400, "InvalidRequest")
    headers = {"Content_Type": "application/x-amz-json-1.0", "X_Amz_Target": "AmazonSQS.PurgeQueue"}
    answer = http.request("POST", PATH, '{"QueueUrl": "%s"}' % mixed.url, **headers)
    assert answer.status == 400
    assert answer.json["message"] == "This endpoint only accepts ReceiveMessage calls"
    assert mixed.counts() == (1, 1, 1)


def test_what_a_fifo_message_in_flight_holds_back_is_not_visible(http, new_queue):
    queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true")
    for body, group in [("a1", "a"), ("a2", "a"), ("b1", "b")]:
        queue.send(body, MessageGroupId=group)
    queue.receive(1, VisibilityTimeout=600)
    assert set(messages(get(http, QueueUrl=queue.url))) == {"b1"}
    assert set(messages(get(http, QueueUrl=queue.url, ShowInvisible="true"))) == {"a1", "a2", "b1"}


def test_an_empty_queue_has_none(http, queue):
    assert messages(get(http, QueueUrl=queue.url)) == {}


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        (None, 400, "AWS.SimpleQueueService.NonExistentQueue"),
        ("http://localhost:4566/000000000000/nowhere", 400, "AWS.SimpleQueueService.NonExistentQueue"),
        ("http://localhost:4566/nonsense", 404, "InvalidAddress"),
    ],
)
def test_a_queue_that_is_not_there(url, status, code, http):
    answer = get(http, **({"QueueUrl": url} if url else {}))
    assert (answer.status, answer.json["ErrorResponse"]["Error"]["Code"]) == (status, code)
