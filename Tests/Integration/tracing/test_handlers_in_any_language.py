"""Traces go on in servers and in programs: `http.post` and `process.run` under the worker's own tracer."""

import json
import socket
import sys

import pytest

from support.programs import FOLDER
from support.receiver import Answer
from support.receiver import Receiver as Server

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CONTEXT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "bot=1"}


@pytest.fixture
def webhook(worker):
    webhook = Server()
    options = {"url": f"{webhook.address}/hooks/secret?token=secret", "privateNetwork": True}
    worker.routes["routes"] = {"WON": {"handler": "http.post", "with": options}}
    del worker.routes["plugins"]
    yield webhook
    webhook.close()


def test_a_server_gets_the_context_of_its_request(webhook, queue, worker, receiver):
    queue.send({"eventType": "WON"}, CONTEXT)
    worker.run_until_empty()
    process, = receiver.named("sqs.process_message")
    request, = receiver.named("POST")
    assert (process.trace_id, process.parent_id) == (TRACE, PARENT)
    assert (request.trace_id, request.parent_id, request.kind) == (TRACE, process.id, "client")
    assert request.attributes == {
        "http.request.method": "POST",
        "server.address": "localhost",
        "server.port": webhook.port,
        "http.response.status_code": 200,
    }
    delivery, = webhook.deliveries
    assert delivery.headers["traceparent"] == f"00-{TRACE}-{request.id}-01"
    assert delivery.headers["tracestate"] == "bot=1"


def test_each_attempt_has_a_span_of_its_own_and_its_failure(webhook, queue, worker, receiver):
    worker.routes["routes"]["WON"]["with"]["outcomes"] = {"503": "unexpected"}
    webhook.respond = lambda delivery: Answer(503 if len(webhook.deliveries) == 1 else 200)
    queue.send({"eventType": "WON"}, CONTEXT)
    worker.run_until_empty()
    requests = receiver.named("POST")
    assert [request.attributes["http.response.status_code"] for request in requests] == [503, 200]
    assert [request.attributes.get("error.type") for request in requests] == ["503", None]
    assert requests[0].raw.status.code == requests[0].raw.status.STATUS_CODE_ERROR
    sent = [delivery.headers["traceparent"] for delivery in webhook.deliveries]
    assert sent == [f"00-{TRACE}-{request.id}-01" for request in requests]


def test_a_request_without_an_answer_says_so(webhook, queue, worker, receiver):
    worker.routes["routes"]["WON"]["errors"] = {"permanent": ["network"]}
    queue.send({"eventType": "WON"}, CONTEXT)
    # Nobody listens there, and nobody else can in the meantime.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://localhost:{taken.getsockname()[1]}/hooks/secret?token=secret"
        worker.routes["routes"]["WON"]["with"]["url"] = url
        worker.run_until_empty()
    request, = receiver.named("POST")
    assert request.attributes["error.type"] == "network"
    assert "secret" not in json.dumps(request.attributes) + str(request.raw)


@pytest.mark.parametrize("mode", ["worker", "once"])
def test_a_program_gets_the_context_of_its_handling(mode, queue, worker, receiver, tmp_path):
    record = tmp_path / "record"
    worker.environment["RECORD"] = str(record)
    program = "child.py" if mode == "worker" else "once.py"
    options = {
        "command": [sys.executable, program], "directory": str(FOLDER), "environment": ["RECORD"], "mode": mode,
    }
    worker.routes["routes"] = {"TOLD": {"handler": "process.run", "with": options}}
    del worker.routes["plugins"]
    queue.send({"eventType": "TOLD"}, CONTEXT)
    worker.run_until_empty()
    process, = receiver.named("sqs.process_message")
    assert (process.trace_id, process.parent_id) == (TRACE, PARENT)
    records = [json.loads(line) for line in record.read_text().splitlines()]
    given = [
        record["event"]["traceparent"] if mode == "worker" else record["environment"]["TRACEPARENT"]
        for record in records
        if ("event" if mode == "worker" else "environment") in record
    ]
    assert given == [f"00-{TRACE}-{process.id}-01"]
