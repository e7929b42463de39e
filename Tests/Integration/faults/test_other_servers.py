"""Servers that answer as SQS does not, and that a client must get along with."""

import json

import pytest

from support.events import UNLINKED, item

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

ABSENT = {
    "ReceiveMessage": ["Messages"],
    "DeleteMessageBatch": ["Successful", "Failed"],
    "ChangeMessageVisibilityBatch": ["Successful", "Failed"],
    "SendMessage": ["MD5OfMessageAttributes", "MD5OfMessageSystemAttributes", "SequenceNumber"],
    "GetQueueAttributes": ["Attributes"],
}
"""What is null where there is none of it, as goaws has it."""


def with_nulls(operation, body):
    answer = json.loads(body or b"{}")
    answer = dict.fromkeys(ABSENT.get(operation, []) + ["ResponseMetadata"]) | answer
    for message in answer.get("Messages") or []:
        for name in ("Attributes", "MessageAttributes", "MD5OfMessageAttributes"):
            message.setdefault(name)
    for entry in answer.get("Successful") or []:
        entry.setdefault("SequenceNumber")
    return json.dumps(answer).encode()


def test_null_is_as_nothing(worker, queue, prizes, proxy):
    proxy.on_response = with_nulls
    running = worker.start()
    # Idle receives bring null; then there are messages without attributes, and one for the dead-letter queue.
    queue.send(item())
    prizes.wait_for(UNLINKED)
    queue.send({"eventType": "UNKNOWN"})
    queue.wait_for_dead_letters(1)
    queue.wait_until_empty()
    assert running.is_running
    running.stop()


def test_one_event_is_sent_without_a_batch(worker, queue, prizes, proxy):
    called = []

    def knows_no_batches(operation, body):
        called.append(operation)
        if operation == "SendMessageBatch":
            return 400, b'{"__type":"InvalidAction","message":"no such action"}'
        return None

    proxy.on_request = knows_no_batches
    worker.write_routes()
    sent = worker.command("send", "-", input=json.dumps(item())).succeeded()
    assert called == ["SendMessage"]
    assert queue.size() == 1, sent.output
