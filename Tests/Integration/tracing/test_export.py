"""Traces as a collector receives them: a strict one, which knows OTLP by its own message types."""

import pytest

from support.events import item, somebody

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "congo=t61rcWkgMzE"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_message_is_handled_in_its_producers_trace(protocol, compression, queue, worker, prizes, receiver):
    worker.environment |= {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_COMPRESSION": compression}
    message = queue.send(item(somebody(1)), SAMPLED)
    worker.run_until_empty()

    (span,) = receiver.named("sqs.process_message")
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    assert span.raw.trace_state == SAMPLED["tracestate"]
    assert span.raw.flags == 0x301, "its parent is remote, and sampled"
    assert span.kind == "consumer"
    assert span.attributes["messaging.system"] == "aws_sqs"
    assert span.attributes["messaging.message.id"] == message
    assert type(span.attributes["worker.receive_count"]) is int

    types = {"http/protobuf": "application/x-protobuf", "http/json": "application/json"}
    for export in receiver.exports:
        assert export.headers["Content-Type"] == types[protocol]
        assert ("Content-Encoding" in export.headers) == (compression == "gzip")
        if compression == "gzip":
            assert export.size < len(export.body)
    assert set(receiver.paths) == {"/v1/traces"}


def test_a_message_without_a_trace_begins_one(queue, worker, prizes, receiver):
    for number in range(3):
        queue.send(item(somebody(number)))
    worker.run_until_empty()
    spans = receiver.named("sqs.process_message")
    assert len(spans) == 3
    assert len({span.id for span in spans}) == 3


def test_the_resource_says_who_it_is(queue, worker, prizes, receiver):
    worker.environment["OTEL_RESOURCE_ATTRIBUTES"] = "service.name=not-this,deployment.environment.name=pro%2Cd"
    queue.send(item())
    worker.run_until_empty()
    resource = receiver.spans[0].resource
    assert resource["service.name"] == "prize-worker"
    assert resource["deployment.environment.name"] == "pro,d"
    assert resource["telemetry.sdk.language"] == "swift"
    assert type(resource["process.pid"]) is int
    assert resource["service.instance.id"]


def test_an_error_is_an_event_with_its_type_and_message(queue, worker, prizes, receiver):
    queue.send(item(type="cluid000zzz"))
    worker.run_until_empty()
    (span,) = receiver.named("sqs.process_message")
    assert span.raw.status.code == span.raw.status.STATUS_CODE_ERROR
    assert span.attributes["error.type"] == "notFound"
    (event,) = span.events
    assert event["name"] == "exception"
    assert "the item type does not exist" in event["exception.message"]
    assert event["exception.type"]


def test_headers_go_along_and_into_no_log(queue, worker, prizes, receiver):
    worker.environment["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=open%20sesame,x-tenant=crew"
    queue.send(item())
    finished = worker.run_until_empty("--log-level", "trace")
    assert receiver.exports[0].headers["api-key"] == "open sesame"
    assert receiver.exports[0].headers["x-tenant"] == "crew"
    assert "sesame" not in finished.output


def test_the_endpoint_of_traces_is_taken_as_it_is(queue, worker, prizes, receiver):
    worker.environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"{receiver.endpoint}/own/path"
    queue.send(item())
    worker.run_until_empty()
    assert set(receiver.paths) == {"/own/path"}


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_SAMPLER": "always_off"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
    ],
    ids=["always_off", "ratio of 0", "disabled", "no exporter", "no endpoint"],
)
def test_nothing_is_exported(variables, queue, worker, prizes, receiver):
    worker.environment |= variables
    queue.send(item(), SAMPLED)
    worker.run_until_empty()
    assert receiver.requests == 0


def test_a_ratio_takes_a_share_of_the_traces_that_begin_here(queue, worker, prizes, receiver):
    worker.environment |= {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    for number, attributes in enumerate([None, SAMPLED, NOT_SAMPLED]):
        queue.send(item(somebody(number)), attributes)
    worker.run_until_empty()
    (span,) = receiver.named("sqs.process_message")
    assert span.parent_id == PARENT


def test_wrong_variables_are_warned_about_and_ignored(queue, worker, prizes, receiver):
    worker.environment |= {"OTEL_TRACES_SAMPLER": "sometimes", "OTEL_BSP_MAX_QUEUE_SIZE": "many"}
    queue.send(item())
    finished = worker.run_until_empty()
    assert receiver.named("sqs.process_message")
    assert "OTEL_TRACES_SAMPLER is ignored" in finished.stderr
    assert "OTEL_BSP_MAX_QUEUE_SIZE is ignored" in finished.stderr


@pytest.mark.parametrize(
    "variables, advice",
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "valid: http/protobuf and http/json"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "begins with http:// or https://"),
    ],
    ids=["grpc", "no scheme"],
)
def test_what_cannot_be_done_ends_the_start(variables, advice, worker, prizes, receiver):
    worker.environment |= variables
    finished = worker.command("run", "--routes", worker.write_routes(), "--until-empty")
    assert finished.code == 78
    assert advice in finished.stderr
