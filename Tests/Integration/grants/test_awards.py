"""What an award brings, to those who linked an account and to those who did not."""

import sqlite3
from contextlib import closing

from support.events import COIN, LINKED, MIRA, SWORD, UNLINKED, account_linked, character, example, item, somebody


def test_the_item_of_the_example_waits_for_an_unlinked_user(queue, worker, prizes):
    queue.send(example("item-awarded"))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 5}
    assert prizes.owned(UNLINKED) == {}
    assert queue.dead_letters() == []


def test_the_item_of_the_example_is_owned_by_a_linked_user(queue, worker, prizes):
    queue.send(example("item-awarded", discordUserId=LINKED))
    worker.run_until_empty()
    assert prizes.owned("alice") == {COIN: 5}
    assert prizes.pending("alice") == {}


def test_the_character_of_the_example_waits_for_an_unlinked_user(queue, worker, prizes):
    queue.send(example("character-awarded"))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {MIRA: 1}
    assert prizes.owned(UNLINKED) == {}
    assert queue.dead_letters() == []


def test_the_character_of_the_example_is_owned_by_a_linked_user(queue, worker, prizes):
    queue.send(example("character-awarded", discordUserId=LINKED))
    worker.run_until_empty()
    assert prizes.owned("alice") == {MIRA: 1}
    assert prizes.pending("alice") == {}


def test_a_linked_user_is_found_by_the_discord_account_too(queue, worker, prizes):
    queue.send(item(LINKED, quantity=2))
    worker.run_until_empty()
    holdings = prizes.holdings(LINKED)
    assert holdings["userId"] == "alice"
    assert holdings["discordUserIds"] == [LINKED]
    assert prizes.owned(LINKED) == {COIN: 2}


def test_quantity_is_one_where_it_is_left_out(queue, worker, prizes):
    event = item()
    del event["quantity"]
    queue.send(event)
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 1}


def test_fields_that_the_handler_does_not_know_are_ignored(queue, worker, prizes):
    queue.send(item(quantity=3, season={"year": 2026, "names": ["a", None, 1.5e300]}, note="won at the fair 🎡"))
    worker.run_until_empty()
    assert prizes.pending(UNLINKED) == {COIN: 3}


def test_stackable_items_become_one_stack(queue, worker, prizes):
    queue.send(item(LINKED, quantity=5))
    queue.send(item(LINKED, quantity=3))
    worker.run_until_empty()
    assert prizes.owned("alice") == {COIN: 8}
    assert prizes.query("SELECT quantity FROM items") == [(8,)]


def test_items_that_do_not_stack_stay_apart(queue, worker, prizes):
    queue.send(item(LINKED, quantity=2, type=SWORD))
    queue.send(item(LINKED, quantity=1, type=SWORD))
    worker.run_until_empty()
    assert prizes.owned("alice") == {SWORD: 3}
    assert prizes.query("SELECT quantity FROM items") == [(1,), (1,), (1,)]


def test_linking_an_account_claims_what_waited_for_it(queue, worker, prizes):
    queue.send(item(quantity=5))
    queue.send(item(quantity=2, type=SWORD))
    queue.send(character(MIRA))
    queue.send(item(somebody(1), quantity=9))
    worker.run_until_empty()
    queue.send(account_linked(UNLINKED, "bob"))
    worker.run_until_empty()
    assert prizes.owned("bob") == {COIN: 5, SWORD: 2, MIRA: 1}
    assert prizes.pending(UNLINKED) == {}
    assert prizes.pending(somebody(1)) == {COIN: 9}


def test_a_claim_stacks_onto_what_the_user_owns(queue, worker, prizes):
    queue.send(item(LINKED, quantity=4))
    queue.send(item(UNLINKED, quantity=5))
    worker.run_until_empty()
    queue.send(account_linked(UNLINKED, "alice"))
    worker.run_until_empty()
    assert prizes.owned("alice") == {COIN: 9}
    assert prizes.query("SELECT quantity FROM items") == [(9,)]


def test_a_prize_after_linking_is_owned_at_once(queue, worker, prizes):
    queue.send(account_linked(UNLINKED, "bob"))
    worker.run_until_empty()
    queue.send(item(UNLINKED, quantity=5))
    worker.run_until_empty()
    assert prizes.owned("bob") == {COIN: 5}


def test_many_messages_are_all_handled(queue, worker, prizes):
    for number in range(60):
        queue.send(item(somebody(number % 20), quantity=1))
    worker.run_until_empty()
    assert [prizes.waiting_quantity(somebody(number)) for number in range(20)] == [3] * 20
    assert queue.dead_letters() == []


def test_a_running_worker_handles_what_comes_later(queue, worker, prizes):
    running = worker.start()
    for number in range(3):
        queue.send(item(somebody(number)))
        prizes.wait_for(somebody(number))
    queue.wait_until_empty()
    running.stop()


def test_an_account_is_linked_although_not_all_fits_the_stack(queue, worker, prizes):
    """A stack holds what JavaScript can count exactly."""
    full = 2**53 - 1
    for user in (LINKED, UNLINKED):
        queue.send(item(user))
    worker.run_until_empty()
    with closing(sqlite3.connect(worker.database)) as database, database:
        database.execute("UPDATE items SET quantity = ? WHERE owner_user_id = 'alice'", (full - 3,))
        database.execute("UPDATE items SET quantity = 10 WHERE pending_discord_user_id IS NOT NULL")
    queue.send(account_linked(UNLINKED, "alice"))
    queue.send(account_linked(UNLINKED, "alice"))
    queue.send(item(UNLINKED, type=SWORD))
    log = worker.run_until_empty().output
    assert queue.dead_letters() == []
    assert "items stay pending for a linked account" in log
    assert prizes.owned("alice") == {COIN: full, SWORD: 1}
    assert prizes.pending("alice") == {COIN: 7}
    shown = worker.command("prizes", "holdings", "--user", UNLINKED, "--routes", worker.write_routes()).succeeded()
    assert f"Waits because a stack holds {full} at most:\n  7 × Gold coin" in shown.stdout
