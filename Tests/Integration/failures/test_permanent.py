"""What cannot succeed goes to the dead-letter queue at once, with its reason."""

from datetime import datetime, timedelta, timezone

import pytest

from support import wait_until
from support.events import COIN, FOREIGN, LINKED, MIRA, OTHER_GUILD, UNLINKED, account_linked, character, item, somebody


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (item(discordGuildId="999999999999999999"), "discordGuildId"),
        (item(type="nothing"), "itemTypeId"),
        (item(type=FOREIGN), "itemTypeId"),
        (item(discordGuildId=OTHER_GUILD), "itemTypeId"),
        (character("nobody"), "characterId"),
    ],
    ids=["guild", "item type", "item type of another guild", "guild of another item type", "character"],
)
def test_what_does_not_exist(event, field, queue, worker, prizes):
    queue.send(event)
    worker.run_until_empty()
    failure = queue.dead_letter().failure
    assert failure["kind"] == "notFound"
    assert failure["field"] == field
    assert field in failure["message"]
    assert prizes.pending(UNLINKED) == {}


@pytest.mark.parametrize("first", [LINKED, UNLINKED], ids=["owned", "waiting for its owner"])
def test_a_character_that_someone_has(first, queue, worker, prizes):
    queue.send(character(MIRA, first))
    worker.run_until_empty()
    queue.send(character(MIRA, somebody(1)))
    worker.run_until_empty()
    assert queue.dead_letter().failure["kind"] == "conflict"
    assert prizes.pending(somebody(1)) == {}


def test_an_account_that_belongs_to_someone_else(queue, worker, prizes):
    queue.send(account_linked(LINKED, "mallory"))
    worker.run_until_empty()
    assert queue.dead_letter().failure["kind"] == "conflict"
    assert prizes.holdings(LINKED)["userId"] == "alice"


def test_the_dead_letter_says_all_that_is_known(queue, worker, prizes):
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    sent = queue.send(item(type="nothing"), {"source": "bot", "shard": "7"})
    worker.run_until_empty()
    letter = queue.dead_letter()
    failure = letter.failure
    assert failure["handler"] == "prizes.item"
    assert failure["route"] == "ITEM_AWARDED"
    assert failure["receiveCount"] == 1
    assert failure["messageId"] == sent
    assert before <= letter.first_received <= datetime.now(timezone.utc)
    assert {name: letter.attributes[name] for name in ("source", "shard")} == {"source": "bot", "shard": "7"}


def test_nine_attributes_leave_room_for_the_failure(queue, worker, prizes):
    attributes = {f"name{number}": f"value {number}" for number in range(9)}
    queue.send(item(type="nothing"), attributes)
    worker.run_until_empty()
    letter = queue.dead_letter()
    assert letter.failure["kind"] == "notFound"
    assert {name: letter.attributes.get(name) for name in attributes} == attributes


def test_ten_attributes_are_kept_and_the_message_is_left_for_the_redrive_policy(queue, worker, prizes):
    worker.settings["visibilityTimeout"] = "2s"
    attributes = {f"name{number}": f"value {number}" for number in range(10)}
    sent = queue.send(item(type="nothing"), attributes)
    queue.send(item())
    worker.run_until_empty()
    letter = queue.dead_letter()
    assert letter.id == sent
    assert letter.attributes == attributes
    assert prizes.pending(UNLINKED) == {COIN: 1}


def test_a_route_can_call_a_kind_transient(queue, worker, prizes):
    worker.routes["routes"]["ITEM_AWARDED"]["errors"] = {"transient": ["notFound"]}
    sent = queue.send(item(type="nothing"))
    worker.run_until_empty()
    failure = queue.dead_letter().failure
    assert (failure["messageId"], failure["receiveCount"]) == (sent, 3)


class TestWithoutDeadLetterQueue:
    def test_the_message_stays_and_a_warning_says_so(self, queue, worker, prizes, sqs):
        sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
        sent = queue.send(item(type="nothing"))
        queue.send(item())
        running = worker.start()
        prizes.wait_for(UNLINKED)
        queue.wait_until_received(sent)
        wait_until(lambda: "dead-letter" in running.log(), "the log names the missing dead-letter queue")
        running.stop()
        assert queue.size() == 1
        assert queue.dead_letters() == []
