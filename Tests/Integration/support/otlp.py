"""A receiver of traces that takes nothing amiss: every export is read with OpenTelemetry's own message types, and what
they do not know, or would not have written, is an error."""

import base64
import gzip
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from support import wait_until

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
HEX = re.compile(r"[0-9a-f]+")
IDS = ("traceId", "spanId", "parentSpanId")
INTEGERS = ("kind", "code", "flags", "droppedAttributesCount", "droppedEventsCount", "droppedLinksCount")


@dataclass
class Export:
    """One request, as it came and as it was read."""

    headers: dict
    size: int
    """On the wire."""
    body: bytes
    """As it was before it was compressed."""
    message: ExportTraceServiceRequest


@dataclass
class Span:
    """A span with its attributes as plain values, and what made it."""

    raw: object
    resource: dict
    scope: str
    attributes: dict = field(init=False)

    def __post_init__(self):
        self.attributes = plain(self.raw.attributes)

    @property
    def name(self):
        return self.raw.name

    @property
    def trace_id(self):
        return self.raw.trace_id.hex()

    @property
    def id(self):
        return self.raw.span_id.hex()

    @property
    def parent_id(self):
        return self.raw.parent_span_id.hex()

    @property
    def kind(self):
        return self.raw.SpanKind.Name(self.raw.kind).removeprefix("SPAN_KIND_").lower()

    @property
    def events(self):
        """The attributes of each event, with its name."""
        return [{"name": event.name, **plain(event.attributes)} for event in self.raw.events]


class Receiver:
    """On a free port of this machine. A test may say what it answers; what it could not read fails the test in `close`."""

    def __init__(self):
        self.exports = []
        self.paths = []
        self.requests = 0
        self.problems = []
        self.answers = []
        """What it answers next, each `(status, headers)`, or "hold" to answer nothing; afterwards 200."""
        self.rejects = None
        """Spans that it says it did not take, and why."""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver._receive(self)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            # Whom it cannot take at once would try again only after a second.
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # A worker that is stopped leaves its connections.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def spans(self):
        with self._lock:
            return [
                Span(span, plain(group.resource.attributes), scope.scope.name)
                for export in self.exports
                for group in export.message.resource_spans
                for scope in group.scope_spans
                for span in scope.spans
            ]

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def wait_for(self, name, count=1, deadline=120.0):
        wait_until(lambda: len(self.named(name)) >= count, f"{count} spans {name} arrive", deadline)
        return self.named(name)

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        assert not self.problems, "\n".join(self.problems)

    def _receive(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            self.requests += 1
            self.paths.append(handler.path)
            answer = self.answers.pop(0) if self.answers else (200, {})
        if answer == "hold":
            self._closing.wait()
            handler.close_connection = True
            return
        status, headers = answer
        content = b""
        if status == 200:
            try:
                content = self._accept(handler, body)
            except Exception as problem:
                self.problems.append(f"{type(problem).__name__}: {problem}")
                status = 400
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", handler.headers["Content-Type"])
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _accept(self, handler, wire):
        headers = dict(handler.headers.items())
        body = gzip.decompress(wire) if headers.get("Content-Encoding") == "gzip" else wire
        message = {PROTOBUF: from_protobuf, JSON: from_json}[headers["Content-Type"]](body)
        check(message)
        with self._lock:
            self.exports.append(Export(headers, len(wire), body, message))
        answer = ExportTraceServiceResponse()
        if self.rejects:
            answer.partial_success.rejected_spans, answer.partial_success.error_message = self.rejects
        if headers["Content-Type"] == PROTOBUF:
            return answer.SerializeToString()
        return json_format.MessageToJson(answer).encode()


def plain(attributes):
    values = {}
    for attribute in attributes:
        assert attribute.key not in values, f"{attribute.key} comes twice"
        values[attribute.key] = _value(attribute.value)
    return values


def _value(value):
    kind = value.WhichOneof("value")
    assert kind, "an attribute has no value"
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def from_protobuf(body):
    message = ExportTraceServiceRequest()
    assert message.ParseFromString(body) == len(body)
    _refuse_unknown(message)
    return message


def _refuse_unknown(message):
    unknown = [field.field_number for field in UnknownFieldSet(message)]
    assert not unknown, f"{message.DESCRIPTOR.name} has unknown fields {unknown}"
    for descriptor, value in message.ListFields():
        if descriptor.message_type:
            for one in value if isinstance(value, list) or hasattr(value, "add") else [value]:
                _refuse_unknown(one)


def from_json(body):
    """OTLP's JSON differs from protobuf's in two things: ids are hex, and enumerations are numbers."""

    def pairs(pairs):
        names = [name for name, _ in pairs]
        assert len(set(names)) == len(names), f"a name comes twice: {names}"
        return {name: _from_otlp(name, value) for name, value in pairs}

    document = json.loads(body.decode("utf-8"), object_pairs_hook=pairs)
    return json_format.ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=False)


def _from_otlp(name, value):
    if name in IDS:
        assert HEX.fullmatch(value), f"{name} is {value!r}"
        return base64.b64encode(bytes.fromhex(value)).decode()
    if name in INTEGERS:
        assert type(value) is int, f"{name} is {value!r}"
    if name.endswith("UnixNano") or name == "intValue":
        assert type(value) is str, f"{name} is {value!r}"
    assert "_" not in name, f"{name} is not in lowerCamelCase"
    return value


def check(message):
    """What the message types cannot say, and the specification does."""
    assert message.resource_spans, "an export is empty"
    for group in message.resource_spans:
        resource = plain(group.resource.attributes)
        assert resource["service.name"]
        for scope in group.scope_spans:
            assert scope.scope.name
            assert scope.spans
            for span in scope.spans:
                _check_span(span)


def _check_span(span):
    assert len(span.trace_id) == 16 and any(span.trace_id)
    assert len(span.span_id) == 8 and any(span.span_id)
    assert len(span.parent_span_id) in (0, 8) and (not span.parent_span_id or any(span.parent_span_id))
    assert span.span_id != span.parent_span_id
    assert span.name
    assert span.kind != 0
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    assert span.flags & 0x101 == 0x101, f"flags {span.flags:#x}"
    assert span.flags & 0x200 == 0 or span.parent_span_id
    plain(span.attributes)
    for event in span.events:
        assert event.name and span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano
        plain(event.attributes)
    for link in span.links:
        assert len(link.trace_id) == 16 and any(link.trace_id)
        assert len(link.span_id) == 8 and any(link.span_id)
        plain(link.attributes)
