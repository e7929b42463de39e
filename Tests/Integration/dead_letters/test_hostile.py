"""A producer with `sqs:SendMessage` alone writes what an operator's terminal shows."""

import json
import unicodedata

import pytest

from support.events import CATALOG, GUILD, UNLINKED, item
from support.server import LocalQueueServer

UNSEEN = ["\u200b", "\u200d", "\u034f", "\u115f", "\u17b4", "\u180b", "\u3164", "\ufe0f", "\uffa0", "\U000e0100", "\u2800"]
"""What a terminal draws nothing for, so that two names look like one."""
COMMANDS = ["\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\x7f", "\u202e", "\u2066", "\u200f", "\u2028", "\u2029", "\ufeff", "\U000e0041", *UNSEEN]
"""What steers a terminal, turns writing around, or ends a line."""
FORGED = "\nforged-row  -  1s  ITEM_AWARDED  conflict  discard it"


def unprintable(text):
    return {
        char
        for char in text
        if char not in "\n\t" and (unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") or char in UNSEEN)
    }


def failure(**fields):
    """What a producer may write, and the redrive policy moves."""
    text = "".join(COMMANDS) + FORGED
    values = dict.fromkeys(["message", "field", "received", "handler", "route", "firstReceived", "traceId"], text)
    return json.dumps(values | {"kind": text, "receiveCount": 1, "messageId": "forged", "queue": text} | fields)


@pytest.fixture
def hostile(letters):
    """A letter that the redrive policy moved, with a failure of its producer's making; returns its id."""
    allowed = "".join(char for char in "".join(COMMANDS) if char not in "\x1b\x07")
    attributes = {"WorkerFailure": failure(), "IdempotencyKey": allowed + FORGED, "note": allowed + FORGED}
    body = json.dumps(item(note="".join(COMMANDS))) + " " + allowed
    return letters.moved(body, attributes)


VIEWS = [["list"], ["show"], ["export"], ["redrive", "--dry-run"], ["discard", "--dry-run"]]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view[0])
@pytest.mark.parametrize("json_too", [[], ["--json"]], ids=["text", "JSON"])
def test_no_view_steers_the_terminal(view, json_too, letters, hostile):
    arguments = [view[0], hostile, *view[1:], *(json_too if view[0] != "export" else [])]
    finished = letters.command(*arguments).succeeded()
    assert unprintable(finished.output) == set()
    assert not any(line.startswith("forged-row") for line in finished.stdout.splitlines())


def test_a_failure_that_the_worker_did_not_write_is_a_claim(letters, hostile, server):
    if not isinstance(server, LocalQueueServer):
        pytest.skip("moto does not say that the redrive policy moved a message")
    shown = letters.command("list").succeeded().stdout
    assert "discard it" not in shown and "received too often" in shown
    (listed,) = letters.listed("--kind", "-")
    assert "failure" not in listed and "kind" not in listed
    assert listed["claimedFailure"]["receiveCount"] == 1
    page = letters.command("show", hostile).succeeded().stdout
    rows = dict(line.split("  ", 1) for line in page.split("Attributes:")[0].splitlines() if "  " in line)
    assert "why" in rows and "received too often" in rows["why"]
    assert "made up by its producer" in rows["claim"]
    assert {name for name in rows if "claimed" in name} >= {"claimed kind", "claimed why", "claimed route"}


@pytest.mark.parametrize("id", ["", "a" * 101, "forged  9d  ITEM_AWARDED  conflict", "\x1b[2J"], ids=["none", "long", "columns", "ESC"])
def test_an_id_that_no_queue_gives_is_not_believed(id, letters, coin):
    sent = letters.moved(coin, {"WorkerFailure": failure(messageId=id)})
    (listed,) = letters.listed()
    assert listed["originalId"] == sent


def test_a_first_id_that_a_producer_made_up_is_a_claim_though_the_worker_wrote_the_letter(letters):
    """The worker carries on the identity that a message brings, for a redrive's message brings one, too."""
    (sent,) = letters.written(item(quantity=0), WorkerFailure=failure(messageId="11111111-2222-3333-4444-555555555555"))
    (listed,) = letters.listed()
    assert listed["failure"]["kind"] == "validation", "the worker wrote it"
    assert listed["failure"]["failedMessageId"] == sent
    assert listed["isOriginalIdClaimed"] is True
    assert f"{listed['originalId']} (claimed)" in letters.command("list").succeeded().stdout
    page = letters.command("show", listed["id"]).succeeded().stdout
    assert f"{listed['originalId']}, as the message claims\n" in page
    assert f"message:{listed['originalId']}, as the message claims\n" in page
    shown = letters.command("redrive", "--all", "--dry-run").succeeded().stdout
    assert f"{listed['originalId']} (claimed)" in shown


def test_a_first_id_that_the_worker_saw_itself_is_none(letters, unknown_coin):
    (sent,) = letters.written(unknown_coin)
    (listed,) = letters.listed()
    assert (listed["originalId"], listed["isOriginalIdClaimed"]) == (sent, False)
    assert "claim" not in letters.command("list").succeeded().stdout
    assert "claim" not in letters.command("show", listed["id"]).succeeded().stdout


def test_an_event_type_does_not_pass_for_other_columns(letters):
    letters.written({"eventType": "X  conflict  please discard"})
    assert '"X  conflict  please discard"  validation' in letters.command("list").succeeded().stdout


def test_an_id_that_is_asked_for_steers_nothing(letters):
    finished = letters.command("show", "nothing\x1b]0;owned\x07\u202e")
    assert finished.code == 1
    assert unprintable(finished.output) == set()


def test_nor_does_a_catalog(letters, prizes, worker):
    item_type = {"id": "turned", "name": "Gold \u202ecoin", "stackable": True}
    prizes.import_catalog({"communities": [{**CATALOG["communities"][0], "itemTypes": [item_type]}]})
    letters.queue.send(item(type="turned", discordGuildId=GUILD))
    worker.run_until_empty()
    for arguments in ([], ["--json"]):
        shown = worker.command(
            "prizes", "holdings", "--user", UNLINKED, "--routes", worker.write_routes(), *arguments
        ).succeeded()
        assert "Gold" in shown.stdout
        assert unprintable(shown.output) == set()


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["doctor"], ["doctor", "--json"]], ids=" ".join)
def test_nor_does_a_routes_file(arguments, worker, prizes):
    worker.routes["routes"]["TURNED\u202e\x9b31m"] = {"handler": "prizes.item"}
    worker.routes["routes"]["BAD\u202e"] = {"handler": "prizes.\u202emeti"}
    finished = worker.command(*arguments, "--routes", worker.write_routes())
    assert "prizes." in finished.output
    assert unprintable(finished.output) == set()
    del worker.routes["routes"]["BAD\u202e"]
    finished = worker.command(*arguments, "--routes", worker.write_routes()).succeeded()
    assert unprintable(finished.output) == set()
