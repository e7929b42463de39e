"""What the worker's spans say, and how they hang together: in its own trace, and with those who send to it."""

import json

import pytest

from support.events import CAST, character, item, somebody

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CONTEXT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def spans(worker, prizes, receiver):
    """Handles what is in the queue, and gives the spans by name; `prizes` has imported the catalog before."""

    def spans():
        worker.run_until_empty()
        return lambda name: receiver.named(name)

    return spans


def test_from_the_message_to_the_transaction(queue, spans):
    message = queue.send(item(somebody(1)), CONTEXT)
    named = spans()

    (process,) = named("sqs.process_message")
    (handler,) = named("handle_item_prize")
    (transaction,) = named("grant prizes")
    assert {span.trace_id for span in (process, handler, transaction)} == {TRACE}
    assert (process.parent_id, handler.parent_id, transaction.parent_id) == (PARENT, process.id, handler.id)
    assert (process.kind, handler.kind, transaction.kind) == ("consumer", "internal", "client")
    assert process.attributes == {
        "messaging.system": "aws_sqs",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue.name,
        "messaging.message.id": message,
        "worker.route": "ITEM_AWARDED",
        "worker.receive_count": 1,
    }
    assert transaction.attributes["db.system.name"] == "sqlite"
    assert transaction.attributes["db.operation.name"] == "grant"


def test_a_receive_says_how_much_it_brought_and_links_to_the_producers(queue, spans):
    queue.send(item(somebody(1)), CONTEXT)
    polls = spans()("sqs.poll")

    (poll,) = [span for span in polls if span.attributes["messaging.batch.message_count"] == 1]
    assert poll.kind == "client"
    assert poll.attributes["messaging.operation.type"] == "receive"
    assert poll.attributes["aws.sqs.queue.url"] == queue.url
    assert poll.attributes["server.address"] == "127.0.0.1"
    assert poll.attributes["aws.request_id"]
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in poll.raw.links] == [(TRACE, PARENT)]
    assert poll.trace_id != TRACE


def test_a_failure_says_what_was_thrown_and_where(queue, spans):
    queue.send(character("nobody-of-the-kind"), CONTEXT)
    (process,) = spans()("sqs.process_message")

    assert process.attributes["error.type"] == "notFound"
    assert process.raw.status.code == process.raw.status.STATUS_CODE_ERROR
    (event,) = process.events
    assert event["name"] == "exception"
    assert event["exception.type"] == "WorkerKit.EventError"
    assert "the character does not exist" in event["exception.message"]
    assert "nobody-of-the-kind" not in str(process.attributes) + str(event), "what an event says is in no span"
    assert event["code.file.path"].startswith("PrizePlugins/")
    assert event["code.line.number"] > 0


def test_a_dead_letter_keeps_its_producers_context_and_is_sent_in_its_trace(queue, spans):
    queue.send(item(somebody(1), type="nothing"), CONTEXT)
    named = spans()

    (process,) = named("sqs.process_message")
    (send,) = named("sqs.send")
    assert (send.kind, send.trace_id, send.parent_id) == ("producer", TRACE, process.id)
    letter = queue.dead_letter()
    assert letter.attributes["traceparent"] == CONTEXT["traceparent"]
    assert letter.failure["traceId"] == TRACE


def test_a_dead_letter_without_a_context_gets_that_of_the_span_that_sends_it(queue, spans):
    queue.send(item(somebody(1), type="nothing"))
    (send,) = spans()("sqs.send")

    letter = queue.dead_letter()
    assert letter.attributes["traceparent"] == f"00-{send.trace_id}-{send.id}-01"
    assert letter.failure["traceId"] == send.trace_id


def test_a_dead_letter_with_no_room_for_a_context_goes_without_it(queue, spans):
    # Its failure is shortened to what SQS's limit leaves, to the byte.
    queue.send("x" * (1_048_576 - 430))
    spans()
    letter = queue.dead_letter()
    assert letter.failure["kind"] == "validation"
    assert "traceparent" not in letter.attributes


def test_where_it_is_asked_for_a_message_begins_a_trace_with_a_link(queue, worker, spans):
    worker.routes["tracing"] = {"producer": "link", "spanNames": "conventions"}
    queue.send(item(somebody(1)), CONTEXT)
    named = spans()

    (process,) = named(f"process {queue.name}")
    assert process.trace_id != TRACE
    assert process.parent_id == ""
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in process.raw.links] == [(TRACE, PARENT)]
    assert named(f"receive {queue.name}")
    assert not named("sqs.poll")


def test_an_unknown_setting_is_refused(worker):
    worker.routes["tracing"] = {"producer": "child"}
    finished = worker.command("check", "--routes", worker.write_routes())
    assert finished.code == 78
    assert "tracing.producer" in finished.stderr
    assert "parent or link" in finished.stderr


def test_x_rays_header_is_read_where_there_is_no_other(queue, spans, sqs):
    sqs.send_message(
        QueueUrl=queue.url,
        MessageBody=json.dumps(item(somebody(1))),
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": XRAY}},
    )
    (process,) = spans()("sqs.process_message")
    assert process.trace_id == "5759e988bd862e3fe1be46a994272793"
    assert process.parent_id == "53995c3f42cd8ad8"


def test_worker_send_begins_the_trace_in_which_its_event_is_handled(queue, worker, spans, receiver):
    worker.command("send", "-", "--routes", worker.write_routes(), input=json.dumps(item(somebody(1)))).succeeded()
    (send,) = receiver.named("sqs.send")
    (process,) = spans()("sqs.process_message")
    assert (process.trace_id, process.parent_id) == (send.trace_id, send.id)


def test_a_redriven_message_is_handled_in_the_trace_that_it_began_in(queue, worker, spans, prizes):
    queue.send(character(CAST[0]), CONTEXT)
    queue.send(character(CAST[0], somebody(1)), CONTEXT)
    spans()
    routes = worker.write_routes()
    worker.command("dead-letters", "redrive", "--all", "--yes", "--routes", routes).succeeded()
    processes = spans()("sqs.process_message")
    assert len(processes) == 3
    assert {span.trace_id for span in processes} == {TRACE}


def test_lines_about_a_message_name_its_trace(queue, worker, prizes, receiver):
    queue.send(item(somebody(1), type="nothing"), CONTEXT)
    finished = worker.run_until_empty("--log-format", "json")
    lines = [json.loads(line) for line in finished.stderr.splitlines() if line.startswith("{")]
    about = [line for line in lines if "messageId" in json.dumps(line)]
    assert len(about) >= 2
    for line in about:
        assert TRACE in json.dumps(line), line
        assert "attempt" in json.dumps(line), line
        assert "ITEM_AWARDED" in json.dumps(line), line
    assert any("PrizePlugins/" in json.dumps(line) for line in about)
