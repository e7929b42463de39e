"""Both protocols on the wire: headers, forms, errors, and what no well-behaved client sends."""

import json
import re
import socket
import urllib.parse
import uuid

import pytest

from support.contract import bodies
from support.http import Http, credential

pytestmark = pytest.mark.one_client

NOT_THERE = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture
def http(server):
    return Http(server.endpoint)


def is_json_error(answer, type, query_code):
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"
    assert answer.json["__type"].rpartition("#")[2] == type
    assert answer.json.get("message") or answer.json.get("Message")
    assert answer.headers["x-amzn-query-error"] == f"{query_code};Sender"


def is_query_error(answer, code):
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.root == "ErrorResponse"
    assert (answer.xml("Error/Type"), answer.xml("Error/Code")) == ("Sender", code)
    assert answer.xml("Error/Message")
    assert answer.xml("RequestId")


class TestJson:
    def test_an_answer_is_json_and_has_a_request_id(self, http, queue):
        answer = http.json("GetQueueUrl", {"QueueName": queue.name})
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"
        uuid.UUID(answer.headers["x-amzn-RequestId"])
        assert answer.json == {"QueueUrl": queue.url}

    def test_an_error_has_a_type_a_message_and_the_older_code(self, http, new_name):
        answer = http.json("GetQueueUrl", {"QueueName": new_name()})
        is_json_error(answer, "QueueDoesNotExist", NOT_THERE)

    @pytest.mark.parametrize(
        ("operation", "arguments", "type", "code"),
        [
            ("SendMessageBatch", {"Entries": []}, "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
            ("DeleteMessage", {"ReceiptHandle": "garbage"}, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            ("SendMessage", {"MessageBody": "\x00"}, "InvalidMessageContents", "InvalidMessageContents"),
            ("GetQueueAttributes", {"AttributeNames": ["Colour"]}, "InvalidAttributeName", "InvalidAttributeName"),
        ],
    )
    def test_each_error_has_its_own(self, operation, arguments, type, code, http, queue):
        is_json_error(http.json(operation, {"QueueUrl": queue.url, **arguments}), type, code)

    def test_an_operation_that_does_not_exist(self, http):
        answer = http.json("EatMessage", {})
        assert answer.status in (400, 404)
        assert answer.json["__type"].rpartition("#")[2].startswith("UnknownOperation")

    @pytest.mark.parametrize("target", ["", "SendMessage", "DynamoDB_20120810.ListTables"])
    def test_a_target_that_is_none_of_sqs(self, target, http):
        assert http.json("", {}, X_Amz_Target=target).status in (400, 404)

    @pytest.mark.parametrize(
        "body",
        ["", "{", "[]", "null", '"text"', '{"QueueName": 5}', '{"QueueName": "a"} {}', b'{"QueueName": "\xff"}'],
        ids=["nothing", "cut off", "array", "null", "string", "wrong type", "two", "not UTF-8"],
    )
    def test_a_body_that_is_none(self, body, http):
        answer = http.json("GetQueueUrl", body)
        assert answer.status == 400
        assert answer.json["__type"]

    def test_half_a_character_is_refused_and_never_stored(self, http, queue):
        body = '{"QueueUrl": "%s", "MessageBody": "half: \\ud83c"}' % queue.url
        assert http.json("SendMessage", body).status == 400
        assert queue.counts() == (0, 0, 0)

    def test_deep_nesting_does_not_crash_it(self, http, queue):
        assert http.json("GetQueueUrl", '{"QueueName":' + "[" * 100_000).status == 400
        assert http.json("GetQueueUrl", {"QueueName": queue.name}).status == 200

    def test_arguments_that_are_not_known_are_passed_over(self, http, queue):
        answer = http.json("GetQueueUrl", {"QueueName": queue.name, "Colour": {"red": [1, None]}})
        assert answer.json == {"QueueUrl": queue.url}

    def test_an_argument_that_is_null_is_not_there(self, http, queue):
        assert http.json("ReceiveMessage", {"QueueUrl": queue.url, "WaitTimeSeconds": None}).status == 200

    @pytest.mark.parametrize("authorization", [None, "", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b"])
    def test_whoever_asks_is_answered(self, authorization, http, queue):
        assert http.json("GetQueueUrl", {"QueueName": queue.name}, Authorization=authorization).status == 200


class TestQuery:
    def test_an_answer_is_xml_and_has_a_request_id(self, http, queue):
        answer = http.query("GetQueueUrl", QueueName=queue.name)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/xml")
        assert answer.root == "GetQueueUrlResponse"
        assert answer.xml("GetQueueUrlResult/QueueUrl") == queue.url
        uuid.UUID(answer.xml("ResponseMetadata/RequestId"))

    def test_the_queue_is_named_by_the_path_or_by_its_url(self, http, queue):
        path = urllib.parse.urlsplit(queue.url).path
        assert http.query("SendMessage", path, MessageBody="path").status == 200
        assert http.query("SendMessage", QueueUrl=queue.url, MessageBody="url").status == 200
        assert sorted(bodies(queue.receive())) == ["path", "url"]

    def test_an_action_may_be_a_get(self, http, queue):
        query = urllib.parse.urlencode({"Action": "GetQueueUrl", "QueueName": queue.name, "Version": "2012-11-05"})
        answer = http.request("GET", f"/?{query}")
        assert answer.xml("GetQueueUrlResult/QueueUrl") == queue.url

    def test_an_error_is_xml(self, http, new_name):
        is_query_error(http.query("GetQueueUrl", QueueName=new_name()), NOT_THERE)

    def test_an_action_that_does_not_exist(self, http):
        is_query_error(http.query("EatMessage"), "InvalidAction")

    def test_no_action_at_all(self, http):
        is_query_error(http.form({"Version": "2012-11-05"}), "MissingAction")

    def test_a_missing_parameter(self, http):
        is_query_error(http.query("GetQueueUrl"), "MissingParameter")

    def test_text_where_a_number_belongs(self, http, queue):
        answer = http.query("ReceiveMessage", QueueUrl=queue.url, MaxNumberOfMessages="many")
        assert answer.status == 400 and answer.xml("Error/Type") == "Sender"

    @pytest.mark.parametrize("form", ["", "&&&", "=", "%", b"\xff\xfe", "Action=%ff%fe", "Action"], ids=ascii)
    def test_a_form_that_is_none(self, form, http):
        answer = http.form(form)
        assert answer.status == 400 and answer.root == "ErrorResponse"

    def test_what_comes_back_is_escaped(self, http, queue):
        http.query("SendMessage", QueueUrl=queue.url, MessageBody="<a>&\r\n\"'é🎡")
        answer = http.query("ReceiveMessage", QueueUrl=queue.url)
        assert answer.xml("ReceiveMessageResult/Message/Body") == "<a>&\r\n\"'é🎡"

    def test_lists_are_numbered_and_ten_follows_nine(self, http, new_queue):
        queue = new_queue(FifoQueue="true", ContentBasedDeduplication="true")
        form = {"Action": "SendMessageBatch", "Version": "2012-11-05", "QueueUrl": queue.url}
        for number in reversed(range(1, 11)):
            values = {"Id": f"id-{number}", "MessageBody": str(number), "MessageGroupId": "guild"}
            form |= {f"SendMessageBatchRequestEntry.{number}.{name}": value for name, value in values.items()}
        assert http.form(form).status == 200
        assert bodies(queue.receive()) == [str(number) for number in range(1, 11)]


class TestAddresses:
    def test_a_queues_url_has_the_host_that_was_asked(self, http, queue):
        answer = http.json("GetQueueUrl", {"QueueName": queue.name}, Host="localhost:1234")
        assert answer.json == {"QueueUrl": f"http://localhost:1234/000000000000/{queue.name}"}

    @pytest.mark.parametrize("host", ["page.example:1234", "127.page.example", "127.0.0.1.page.example:4566"])
    def test_a_name_that_a_web_page_made_up_is_refused(self, host, http, queue):
        """A browser can be led to this machine under any name (DNS rebinding), and sends that name."""
        assert http.json("GetQueueUrl", {"QueueName": queue.name}, Host=host).status == 403

    @pytest.mark.parametrize("header", [{"Origin": "http://page.example"}, {"Sec_Fetch_Site": "cross-site"}])
    def test_a_web_page_is_refused(self, header, http, queue):
        assert http.json("GetQueueUrl", {"QueueName": queue.name}, **header).status == 403

    def test_a_form_of_endless_depth_is_no_crash(self, http, queue):
        http.request("POST", "/", "a." * 400_000 + "=1", Content_Type="application/x-www-form-urlencoded")
        assert http.json("GetQueueUrl", {"QueueName": queue.name}).status == 200

    def test_a_queue_is_found_by_its_path_whatever_the_host(self, http, queue):
        url = f"https://sqs.us-east-1.amazonaws.com/000000000000/{queue.name}"
        assert http.json("SendMessage", {"QueueUrl": url, "MessageBody": "hello"}).status == 200
        assert queue.counts() == (1, 0, 0)

    @pytest.mark.parametrize("url", ["", "nowhere", "http://", "http://localhost/", "http://localhost/000000000000/"])
    def test_a_url_that_is_none(self, url, http):
        answer = http.json("SendMessage", {"QueueUrl": url, "MessageBody": "hello"})
        assert answer.status in (400, 404) and answer.json["__type"]

    def test_the_region_is_that_of_the_credentials(self, http, new_name):
        name, paris = new_name(), {"Authorization": credential("eu-west-3")}
        url = http.json("CreateQueue", {"QueueName": name}, **paris).json["QueueUrl"]
        answer = http.json("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["QueueArn"]}, **paris)
        assert answer.json["Attributes"]["QueueArn"] == f"arn:aws:sqs:eu-west-3:000000000000:{name}"


class TestMessagesForDevelopers:
    """`/_aws/sqs/messages`, which LocalStack has as well."""

    def get(self, http, url):
        query = urllib.parse.urlencode({"QueueUrl": url})
        return http.request("GET", f"/_aws/sqs/messages?{query}", Accept="application/json")

    def test_it_shows_every_message_and_changes_nothing(self, http, queue):
        queue.send("in flight")
        queue.receive_one(VisibilityTimeout=600)
        queue.send("visible", MessageAttributes={"city": {"DataType": "String", "StringValue": "Oslo"}})
        queue.send("delayed", DelaySeconds=900)
        for _ in range(2):
            answer = self.get(http, queue.url)
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("application/")
            messages = {message["Body"]: message for message in answer.json["Messages"]}
            counts = {body: message["Attributes"]["ApproximateReceiveCount"] for body, message in messages.items()}
            assert counts == {"in flight": "1", "visible": "0", "delayed": "0"}
            assert messages["visible"]["MessageAttributes"]["city"]["StringValue"] == "Oslo"
        assert queue.counts() == (1, 1, 1)

    def test_an_empty_queue_has_none(self, http, queue):
        assert self.get(http, queue.url).json.get("Messages", []) == []

    def test_a_queue_that_is_not_there(self, http, queue):
        assert self.get(http, f"{queue.url}-nowhere").status in (400, 404)


class TestHttp:
    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_other_methods_are_refused(self, method, http):
        assert 400 <= http.request(method, "/").status < 500

    @pytest.mark.parametrize("type", ["text/plain", "application/json", "multipart/form-data; boundary=x"])
    def test_other_content_types_are_refused(self, type, http):
        answer = http.request("POST", "/", "{}", Content_Type=type)
        assert 400 <= answer.status < 500

    def test_a_connection_serves_many_requests(self, server, queue):
        body = json.dumps({"QueueName": queue.name}).encode()
        head = (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Target: AmazonSQS.GetQueueUrl\r\nContent-Length: {len(body)}\r\n"
        )
        host, port = server.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            # Two at once: the second is not lost while the first is answered.
            connection.sendall((head + "\r\n").encode() + body + (head + "Connection: close\r\n\r\n").encode() + body)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert len(re.findall(rb"HTTP/1.1 200", answer)) == 2

    def test_a_body_announced_with_expect_is_taken(self, http, queue):
        arguments = {"QueueUrl": queue.url, "MessageBody": "x" * 500_000}
        assert http.json("SendMessage", arguments, Expect="100-continue").status == 200

    def test_a_body_without_end_is_refused(self, http, queue):
        answer = http.json("SendMessage", {"QueueUrl": queue.url, "MessageBody": "x" * 40_000_000})
        assert 400 <= answer.status < 500

    def test_a_poll_whose_client_went_takes_no_message(self, server, queue):
        body = json.dumps({"QueueUrl": queue.url, "WaitTimeSeconds": 20}).encode()
        head = (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        host, port = server.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head.encode() + body)
            # A poll of our own is the clock: the other waits.
            assert queue.receive(wait=1) == []
        assert queue.receive(wait=1) == []
        queue.send()
        assert len(queue.receive()) == 1
