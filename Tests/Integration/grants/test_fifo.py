"""FIFO queues: the messages of a group are handled in their order."""

import pytest

from support.events import CAST, character, somebody


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
