"""FIFO queues: the messages of a group are handled in their order."""

import pytest

from support.events import CAST, character, item, somebody


@pytest.fixture
def queue(make_queue):
    return make_queue(".fifo")


def test_whoever_is_first_in_a_group_gets_the_character(queue, worker, prizes):
    claims = 3
    for claim in range(claims):
        for number, id in enumerate(CAST):
            event = character(id, somebody(10 * number + claim))
            queue.send(event, MessageGroupId=id, MessageDeduplicationId=f"{id}-{claim}")
    worker.run_until_empty()

    holders = dict(prizes.query("SELECT id, pending_discord_user_id FROM characters"))
    assert {id: holders[id] for id in CAST} == {id: somebody(10 * number) for number, id in enumerate(CAST)}


def test_who_comes_too_late_is_in_the_dead_letter_queue_with_the_group(queue, worker, prizes):
    for claim in range(2):
        event = character(CAST[0], somebody(claim))
        queue.send(event, MessageGroupId="characters", MessageDeduplicationId=f"claim-{claim}")
    worker.run_until_empty()

    letter = queue.dead_letter()
    assert letter.failure["kind"] == "conflict"
    assert letter.system["MessageGroupId"] == "characters"


def test_one_that_keeps_failing_is_dead_lettered_and_those_behind_it_are_granted(queue, worker, prizes):
    worker.routes["defaults"]["errors"] = {"transient": ["notFound"]}
    behind = 9
    queue.send(item(type="nothing-of-the-kind"), MessageGroupId="stuck", MessageDeduplicationId="first")
    for number in range(behind):
        queue.send(item(somebody(number)), MessageGroupId="stuck", MessageDeduplicationId=f"behind-{number}")
    worker.run_until_empty()

    letter = queue.dead_letter()
    assert letter.failure["kind"] == "notFound"
    assert letter.system["MessageGroupId"] == "stuck"
    assert [prizes.waiting_quantity(somebody(number)) for number in range(behind)] == [1] * behind
