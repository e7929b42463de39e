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

FORM = "application/x-www-form-urlencoded"
MALFORMED_HOSTS = [
    "[::1].page.example", "[::1]:1.page.example", "[::1", "[]", "[localhost]", "[127.0.0.1]", "[::1]x", "localhost:80x",
    "localhost:80.page.example", "localhost:65536", "127.0.0.1@page.example", "page.example@127.0.0.1", "localhost/x",
    "localhost#.page.example", "localhost..", "a b.localhost", "::1",
]
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
        answer = http.json("SendMessage", {"QueueUrl": queue.url, "MessageBody": None})
        is_json_error(answer, "MissingRequiredParameterException", "MissingParameter")
        assert answer.json["message"] == "The request must contain the parameter MessageBody."

    def test_it_may_be_sent_to_a_queues_path(self, http, queue):
        """Recorded: as PHP's SDK does."""
        headers = {"Content_Type": "application/x-amz-json-1.0", "X_Amz_Target": "AmazonSQS.ReceiveMessage"}
        path = urllib.parse.urlsplit(queue.url).path
        answer = http.request("POST", path, json.dumps({"QueueUrl": queue.url}), **headers)
        assert (answer.status, answer.json) == (200, {})
        assert answer.headers["Content-Type"] == "application/x-amz-json-1.0"

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

    def test_no_action_at_all(self, http, queue):
        """Recorded: XML whatever is accepted, and 404."""
        path = urllib.parse.urlsplit(queue.url).path
        for answer in (
            http.form({"Version": "2012-11-05"}),
            http.request("GET", path),
            http.request("GET", path, Accept="application/json"),
        ):
            assert answer.status == 404
            assert answer.root == "UnknownOperationException"

    @pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
    def test_an_action_of_the_service_at_a_queues_path(self, action, http, queue):
        """Recorded."""
        path = urllib.parse.urlsplit(queue.url).path
        answer = http.request("GET", f"{path}?Action={action}&QueueName=other")
        is_query_error(answer, "InvalidAction")
        assert answer.xml("Error/Message") == f"The action {action} is not valid for this endpoint."

    def test_another_queues_url_is_asked_for_at_a_queues_path(self, http, queue):
        """Recorded."""
        path = urllib.parse.urlsplit(queue.url).path
        answer = http.request("GET", f"{path}?Action=GetQueueUrl&QueueName={queue.name}")
        assert answer.xml("GetQueueUrlResult/QueueUrl") == queue.url

    def test_it_says_that_a_queue_is_not_there_in_its_own_words(self, http, new_name):
        """Recorded."""
        answer = http.query("GetQueueUrl", QueueName=new_name())
        assert answer.xml("Error/Message") == "The specified queue does not exist for this wsdl version."

    def test_who_accepts_json_gets_it(self, http, queue):
        """Recorded: an answer in JSON. Its form is LocalStack's, which differs from SQS's in the names of lists."""
        queue.send("one")
        query = urllib.parse.urlencode({"Action": "ReceiveMessage", "QueueUrl": queue.url, "VisibilityTimeout": 0})
        answer = http.request("GET", f"/?{query}", Accept="application/json")
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]["Body"] == "one"
        error = http.request("GET", "/?Action=EatMessage", Accept="application/json")
        assert (error.status, error.json["ErrorResponse"]["Error"]["Code"]) == (400, "InvalidAction")

    def test_a_missing_parameter(self, http):
        is_query_error(http.query("GetQueueUrl"), "MissingParameter")

    def test_text_where_a_number_belongs(self, http, queue):
        answer = http.query("ReceiveMessage", QueueUrl=queue.url, MaxNumberOfMessages="many")
        assert answer.status == 400 and answer.xml("Error/Type") == "Sender"

    @pytest.mark.parametrize("form", ["", "&&&", "=", "%", b"\xff\xfe", "Action=%ff%fe", "Action"], ids=ascii)
    def test_a_form_that_is_none(self, form, http):
        answer = http.form(form)
        assert (answer.status, answer.root) in [(400, "ErrorResponse"), (404, "UnknownOperationException")]

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

    @pytest.mark.parametrize("host", MALFORMED_HOSTS)
    def test_a_host_that_is_none_is_refused(self, host, http, queue):
        """What begins like this machine's address and goes on is another's."""
        assert http.json("GetQueueUrl", {"QueueName": queue.name}, Host=host).status == 400

    @pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:1", "[::1]:65535", "127.8.8.8:4566", "sqs.localhost:4566"])
    def test_names_of_this_machine(self, host, http, queue):
        assert http.json("GetQueueUrl", {"QueueName": queue.name}, Host=host).status == 200

    @pytest.mark.parametrize(
        "header",
        [
            {"Accept": "image/png,image/*;q=0.8,*/*;q=0.5", "User_Agent": "Mozilla/5.0 (Windows NT 6.1) Thunderbird/38"},
            {"Accept": "*/*", "User_Agent": "Microsoft Office/16.0"},
            {"Referer": "http://page.example/"},
            {},
        ],
        ids=["an old mail program", "another", "an old browser", "one that says nothing"],
    )
    def test_a_picture_in_a_letter_changes_nothing(self, header, http, queue):
        """Older programs send neither Origin nor Sec-Fetch-Site, and a signature in a URL is a part of a link."""
        arguments = {"QueueUrl": queue.url, "MessageBody": "hello", "X-Amz-Credential": "x/y/us-east-1/sqs/aws4_request"}
        query = urllib.parse.urlencode({"Action": "SendMessage", **arguments})
        answer = http.request("GET", f"/?{query}", **header)
        assert answer.status == 403 and "POST" in answer.xml("Error/Message")
        assert queue.counts() == (0, 0, 0)

    @pytest.mark.parametrize(
        "header",
        [
            {"Content_Type": "text/plain"},
            {"Content_Type": "multipart/form-data; boundary=x"},
            {"Content_Type": FORM, "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
            {"Content_Type": FORM, "Accept": "*/*", "User_Agent": "Mozilla/4.0 (compatible; MSIE 8.0)"},
            {"Content_Type": FORM, "Referer": "http://page.example/form.html"},
            {"Content_Type": FORM, "Accept_Language": "de-DE,de;q=0.9"},
            {"Content_Type": FORM, "Sec_Fetch_Site": "none"},
            {"Content_Type": FORM, "Cookie": "a=b", "Authorization": "Basic QVdTNC06eA=="},
        ],
        ids=str,
    )
    def test_a_form_of_an_old_browser_is_refused(self, header, http, queue):
        form = urllib.parse.urlencode({"Action": "SendMessage", "QueueUrl": queue.url, "MessageBody": "hello"})
        assert http.request("POST", "/", form, **header).status == 403
        assert queue.counts() == (0, 0, 0)

    @pytest.mark.parametrize(
        "header",
        [
            {"Authorization": credential("us-east-1"), "User_Agent": "aws-sdk-js/2.1 Mozilla/5.0"},
            {"User_Agent": "curl/8.5.0", "Accept": "*/*"},
            {"User_Agent": "node", "Accept": "*/*", "Accept_Language": "*", "Sec_Fetch_Mode": "cors"},
            {"User_Agent": "python-requests/2.32.3", "Accept": "*/*"},
            {"User_Agent": "Go-http-client/1.1"},
        ],
        ids=["signed", "curl", "Node's fetch", "requests", "Go"],
    )
    @pytest.mark.parametrize("type", [FORM, f"{FORM}; charset=utf-8"])
    def test_a_form_of_a_program_is_taken(self, type, header, http, queue):
        form = urllib.parse.urlencode({"Action": "SendMessage", "QueueUrl": queue.url, "MessageBody": "hello"})
        assert http.request("POST", "/", form, Content_Type=type, **header).status == 200
        assert queue.counts() == (1, 0, 0)

    def test_a_signed_get_may_change(self, http, queue):
        """As older SDKs send it."""
        query = urllib.parse.urlencode({"Action": "SendMessage", "QueueUrl": queue.url, "MessageBody": "hello"})
        assert http.request("GET", f"/?{query}", Authorization=credential("us-east-1")).status == 200
        assert queue.counts() == (1, 0, 0)

    @pytest.mark.parametrize("header", [{"Origin": "http://page.example"}, {"Sec_Fetch_Site": "cross-site"}])
    def test_a_web_page_is_refused(self, header, http, queue):
        assert http.json("GetQueueUrl", {"QueueName": queue.name}, **header).status == 403

    @pytest.mark.parametrize(
        "header", [{"Sec_Fetch_Site": "none"}, {"Accept": "text/html,application/xml;q=0.9"}], ids=["now", "older"]
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_link_changes_nothing(self, method, header, http, queue):
        """A mail program opens one as if it had been typed."""
        query = urllib.parse.urlencode({"Action": "SendMessage", "QueueUrl": queue.url, "MessageBody": "hello"})
        assert http.request(method, f"/?{query}", **header).status == 403
        query = urllib.parse.urlencode({"Action": "DeleteQueue", "QueueUrl": queue.url})
        assert http.request(method, f"/?{query}", **header).status == 403
        assert queue.counts() == (0, 0, 0)

    def test_a_link_may_look(self, http, queue):
        query = urllib.parse.urlencode({"Action": "GetQueueUrl", "QueueName": queue.name})
        assert http.request("GET", f"/?{query}", Sec_Fetch_Site="none").status == 200

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
        # Little beyond the limit: what is sent after the refusal is read for a few seconds, and no longer.
        answer = http.json("SendMessage", {"QueueUrl": queue.url, "MessageBody": "x" * 10_000_000})
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
