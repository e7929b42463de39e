"""Nothing that a producer sends stops the worker: it ends in the dead-letter queue, which says what was wrong."""

import hashlib
import json
import re
from dataclasses import dataclass

import pytest

from support.events import CATALOG, CAST, COIN, UNLINKED, character, example, item, somebody
from support.prizes import Prizes
from support.server import LocalQueueServer

MIB = 1_048_576


def without(event, field):
    return {name: value for name, value in event.items() if name != field}


def raw(field, json_text):
    """The example with a field whose JSON is written out as it is."""
    return json.dumps(item(**{field: "@@"})).replace('"@@"', json_text)


def twice(name):
    """The example with a member more, at its end."""
    return f'{json.dumps(item())[:-1]}, "{name}": "ITEM_AWARDED"}}'


@dataclass
class Case:
    name: str
    body: object
    expected: str
    """A pattern of what the failure says was expected."""
    field: str | None = None
    came: str | None = None
    """What the failure says came instead."""

    @property
    def text(self):
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


WHOLE_NUMBER = "whole number from 1"
USER_ID = "numeric Discord user id"
GUILD_ID = "numeric Discord guild id"
ID = "expected an id"
MISSING = "expected|missing|required|must"

S3_POINTER = "software.amazon.payloadoffloading"
EVENT_BRIDGE = {"version": "0", "id": "1", "detail-type": "prize", "source": "bot", "detail": item()}


def sns(type):
    return {"Type": type, "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": json.dumps(item())}


CASES = [
    Case("not JSON", "hello, bot", "not JSON: line 1, column 1 is where"),
    Case("JSON that is cut off", json.dumps(item())[:-10], "not JSON: it ends too early, in line 1, column"),
    Case("JSON followed by more", json.dumps(item()) + " {}", "JSON"),
    Case("an array", [item()], "object"),
    Case("a string", '"ITEM_AWARDED"', "object"),
    Case("a number", "42", "object"),
    Case("null", "null", "object"),
    Case("white space", " \n\t ", "JSON"),
    Case("an empty object", {}, MISSING, "eventType"),
    Case("no eventType", without(item(), "eventType"), MISSING, "eventType"),
    Case("an eventType that is a number", item(eventType=7), MISSING + "|text|string", "eventType"),
    Case("an eventType that is null", item(eventType=None), MISSING + "|text|string", "eventType"),
    Case("an unknown eventType", item(eventType="ITEM_AWARDEDD"), "ITEM_AWARDED", "eventType", "ITEM_AWARDEDD"),
    Case("an eventType in lower case", item(eventType="item_awarded"), "ITEM_AWARDED", "eventType", "item_awarded"),
    Case("no discordGuildId", without(item(), "discordGuildId"), MISSING, "discordGuildId"),
    Case("no discordUserId", without(item(), "discordUserId"), MISSING, "discordUserId"),
    Case("no itemTypeId", without(item(), "itemTypeId"), MISSING, "itemTypeId"),
    Case("no characterId", without(example("character-awarded"), "characterId"), MISSING, "characterId"),
    Case("a user id that is a number", raw("discordUserId", UNLINKED), USER_ID, "discordUserId"),
    Case("a user name", item(discordUserId="mira#1"), USER_ID + ".* holds more than digits", "discordUserId", "mira#1"),
    Case("an empty user id", item(discordUserId=""), USER_ID, "discordUserId"),
    Case("a user id that is null", item(discordUserId=None), USER_ID, "discordUserId"),
    Case("a user id with a sign", item(discordUserId="+5"), USER_ID, "discordUserId", "+5"),
    Case("a user id in other digits", item(discordUserId="١٢٣"), USER_ID, "discordUserId"),
    Case("a guild id that is an object", item(discordGuildId={"id": "1"}), GUILD_ID, "discordGuildId"),
    Case("an item type that is a list", item(itemTypeId=[COIN]), ID, "itemTypeId"),
    Case("an item type that is empty", item(itemTypeId=""), ID, "itemTypeId"),
    Case("a character that is a boolean", character(True), ID, "characterId"),
    Case("quantity 0", item(quantity=0), f"{WHOLE_NUMBER}.*, but the number is below 1", "quantity", "0"),
    Case("quantity -1", item(quantity=-1), WHOLE_NUMBER, "quantity", "-1"),
    Case("quantity 1.5", item(quantity=1.5), f"{WHOLE_NUMBER}.*, but a fraction came", "quantity", "1.5"),
    Case('quantity "5"', item(quantity="5"), WHOLE_NUMBER, "quantity", "5"),
    Case("quantity 10^30", item(quantity=10**30), WHOLE_NUMBER, "quantity"),
    Case("quantity 1e30", raw("quantity", "1e30"), WHOLE_NUMBER, "quantity"),
    Case("quantity 1e400", raw("quantity", "1e400"), WHOLE_NUMBER, "quantity", "1e400"),
    Case("quantity 1e999999", raw("quantity", "1e999999"), WHOLE_NUMBER, "quantity", "1e999999"),
    Case("a giant in a field that nobody reads", raw("quantity", '0, "x": 1e999999'), WHOLE_NUMBER, "quantity", "0"),
    Case("a user id that is a number, and why", raw("discordUserId", UNLINKED), "in quotes", "discordUserId"),
    Case("an item type that is a number", raw("itemTypeId", "7"), "in quotes", "itemTypeId"),
    Case("an eventType that is a number, and why", item(eventType=7), "in quotes", "eventType"),
    Case("an eventType that comes twice", twice("eventType"), "more than once", "eventType"),
    Case("an eventType that comes twice, with escapes", twice("eventT\\u0079pe"), "more than once", "eventType"),
    Case("a comma too many", json.dumps(item())[:-1] + ",}", "not JSON: line 1, column"),
    Case("a byte order mark", "\ufeff" + json.dumps(item()), "line 1, column 1 .* byte order mark"),
    Case("an SNS notification", sns("Notification"), "raw message delivery", "eventType"),
    Case("SNS's own message", sns("SubscriptionConfirmation"), "confirm the subscription", "eventType"),
    Case("an EventBridge event", EVENT_BRIDGE, r"input path \$\.detail", "eventType"),
    Case("a CloudEvent", {"specversion": "1.0", "id": "1", "type": "x", "data": item()}, "CloudEvent", "eventType"),
    Case("an S3 notification", {"Records": [{"eventSource": "aws:s3"}]}, "S3", "eventType"),
    Case("a pointer to S3", [f"{S3_POINTER}.PayloadS3Pointer", {"s3BucketName": "b"}], "Extended Client"),
    Case("JSON made twice", json.dumps(json.dumps(item())), "twice"),
    Case("the name in another spelling", {**without(item(), "eventType"), "event_type": "x"}, "write eventType"),
    Case("quantity true", item(quantity=True), WHOLE_NUMBER, "quantity", "true"),
    Case("quantity null", item(quantity=None), WHOLE_NUMBER, "quantity", "null"),
    Case("quantity NaN", raw("quantity", "NaN"), "JSON"),
    Case("a body 10,000 deep", "[" * 10_000 + "]" * 10_000, "JSON|nest|deep|object"),
    Case("a body 10,000 deep that never ends", '{"a":' * 10_000, "JSON|nest|deep"),
    Case("a field 10,000 deep", raw("quantity", "[" * 10_000 + "]" * 10_000), WHOLE_NUMBER + "|JSON|nest|deep"),
    Case("a lone surrogate", raw("itemTypeId", r'"\ud800"'), ID + "|JSON|surrogate"),
    Case("a lone surrogate as eventType", raw("eventType", r'"\udfff"'), "JSON|surrogate|ITEM_AWARDED"),
    Case("an escape that does not exist", raw("itemTypeId", r'"\q"'), "JSON"),
    Case("a NUL in an id", raw("itemTypeId", r'"a\u0000b"'), ID, "itemTypeId"),
    Case("a line break in an id", item(itemTypeId="a\nb"), ID, "itemTypeId"),
]


@pytest.fixture(scope="module")
def aftermath(make_queue, make_worker):
    """All of them in one queue, a good message after each, handled by one worker."""
    queue = make_queue()
    worker = make_worker(queue)
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)
    ids = {}
    for number, case in enumerate(CASES):
        ids[case.name] = queue.send(case.text, {"source": case.name})
        queue.send(item(somebody(number)))
    finished = worker.run_until_empty(timeout=120)
    letters = {letter.attributes["source"]: letter for letter in queue.dead_letters()}
    return ids, letters, prizes, finished


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_it_ends_in_the_dead_letter_queue_which_says_why(number, aftermath, server):
    case, (ids, letters, prizes, _) = CASES[number], aftermath
    assert case.name in letters, f"it is not among the dead letters: {sorted(letters)}"
    letter = letters[case.name]
    assert letter.body == case.text
    failure = letter.failure
    assert failure, "it has no WorkerFailure: it was left for the redrive policy"

    assert re.search(case.expected, failure["message"]), failure
    if case.field:
        assert case.field in failure["message"] or failure.get("field") == case.field, failure
    if case.came:
        assert case.came in failure.get("received", "") + failure["message"], failure
    if "eventType" not in case.name and case.field:
        assert failure["kind"] == "validation"
    assert failure["messageId"] == ids[case.name]
    # moto can hand a message to two receives at once.
    assert failure["receiveCount"] == 1 or (failure["receiveCount"] == 2 and not isinstance(server, LocalQueueServer))
    assert letter.first_received

    # The good message that was sent after it.
    assert prizes.waiting_quantity(somebody(number)) == 1


def test_nothing_else_was_granted(aftermath):
    prizes = aftermath[2]
    assert prizes.query("SELECT count(*), sum(quantity) FROM items") == [(len(CASES), len(CASES))]


def test_what_came_is_not_in_the_log(aftermath):
    finished = aftermath[3]
    assert "mira#1" not in finished.output


@pytest.mark.parametrize("size", [MIB - 4096, MIB], ids=["with room for the failure", "of all that SQS takes"])
def test_a_body_of_a_mebibyte(size, queue, worker, prizes):
    empty = json.dumps(item(type=""))
    body = json.dumps(item(type="x" * (size - len(empty))))
    assert len(body) == size
    sent = queue.send(body)
    queue.send(item())
    if size == MIB:
        # The failure does not fit beside the body: the redrive policy moves the message when it has been received three
        # times.
        worker.settings["visibilityTimeout"] = "2s"
    worker.run_until_empty()

    letter = queue.dead_letter()
    assert letter.body == body
    if size == MIB:
        assert letter.id == sent and letter.failure is None
    else:
        assert letter.failure["field"] == "itemTypeId"
        assert len(letter.attributes["WorkerFailure"]) < 4000, "what came is shortened"
    assert prizes.pending(UNLINKED) == {COIN: 1}


def test_a_good_message_of_a_mebibyte_is_granted(queue, worker, prizes):
    empty = json.dumps(item(note=""))
    queue.send(item(note="x" * (MIB - len(empty))))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 1}


def test_of_a_field_that_comes_twice_the_last_value_counts(queue, worker, prizes):
    queue.send(raw("quantity", '7, "quantity": 2'))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 2}


def test_a_body_that_is_not_utf_8(queue, worker, prizes, proxy):
    """No client can send one to SQS; the bytes are put into its answer on the way."""
    marker, bad = "NOT-UTF-8", b"\xff\xfe\x80"

    def spoil(operation, body):
        answer = json.loads(body) if operation == "ReceiveMessage" else {}
        if not any(marker in message["Body"] for message in answer.get("Messages", [])):
            return body
        for message in answer["Messages"]:
            spoiled = message["Body"].encode().replace(marker.encode(), bad)
            message["MD5OfBody"] = hashlib.md5(spoiled).hexdigest()
        return json.dumps(answer, ensure_ascii=False).encode().replace(marker.encode(), bad)

    proxy.on_response = spoil
    queue.send(item(discordUserId=marker))
    for number in range(3):
        queue.send(item(somebody(number)))
    worker.run_until_empty()

    assert re.search("UTF-8|JSON", queue.dead_letter().failure["message"])
    assert [prizes.waiting_quantity(somebody(number)) for number in range(3)] == [1, 1, 1]


def test_a_character_that_nobody_imported_names_the_field(queue, worker, prizes):
    queue.send(character("nobody"))
    queue.send(character(CAST[0]))
    worker.run_until_empty()
    assert queue.dead_letter().failure["field"] == "characterId"
    assert prizes.pending(UNLINKED) == {CAST[0]: 1}
