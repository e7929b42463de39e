"""Whether the database, the dead letters and the handlers' records are what the events say."""

import json

from support.chaos import holdings


def check_database(model, prizes):
    rows = prizes.query("SELECT event_type, key, content FROM handled_events")
    handled = {(event_type, key): json.loads(content) for event_type, key, content in rows}
    missing = model.granted.keys() - handled.keys()
    assert not missing, f"{len(missing)} never granted: {sorted(missing)[:10]}"
    # Nothing was handled under the name of another event.
    for key, fields in model.granted.items():
        told = {name: handled[key].get(name) for name in ("discordUserId", "quantity", "characterId", "userId")}
        assert told == {name: fields.get(name) for name in told}, key
    # Of those in doubt, each that came did so once.
    found = [handled[key] for key in handled.keys() - model.granted.keys()]
    users = [event["discordUserId"] for event in found]
    assert len(set(users)) == len(users)
    assert set(users) <= model.doubtful.keys(), "granted, and never sent"
    assert [event["quantity"] for event in found] == [model.doubtful[user]["quantity"] for user in users]

    items, characters = holdings([*model.granted.values(), *(model.doubtful[user] for user in users)])
    rows = prizes.query(
        """
        SELECT CASE WHEN owner_user_id IS NULL THEN 'pending' ELSE 'owner' END, coalesce(owner_user_id, pending_discord_user_id),
          item_type_id, CAST(sum(quantity) AS bigint)
        FROM items GROUP BY 1, 2, 3
        """
    )
    assert {tuple(row[:3]): row[3] for row in rows} == dict(items)
    rows = prizes.query(
        """
        SELECT id, CASE WHEN owner_user_id IS NULL THEN 'pending' ELSE 'owner' END, coalesce(owner_user_id, pending_discord_user_id)
        FROM characters WHERE coalesce(owner_user_id, pending_discord_user_id) IS NOT NULL
        """
    )
    assert {row[0]: tuple(row[1:]) for row in rows} == characters
    prizes.check_integrity()


def check_letters(model, queues):
    """When all were redriven once more, and what could be handled was."""
    letters = []
    for sqs, url in {queue.dead_letter_url: (queue.sqs, queue.dead_letter_url) for queue in queues}.values():
        letters += take_all(sqs, url)
    # A worker that dies between sending a dead letter and deleting its message leads to two of it.
    assert {body for body, _ in letters} == model.bad.keys()
    assert all(failure for _, failure in letters), "dead-lettered by the worker, and not by the redrive policy"
    strays = [body for body, failure in letters if failure["queue"] != model.bad[body]]
    assert not strays, f"sent back to another queue than their own: {strays[:10]}"


def take_all(sqs, url):
    """The bodies of a queue's messages, and what is said of their failures. Deleted, because of a FIFO queue's group no more
    is to be had before."""
    taken = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=600
    ).get("Messages"):
        for message in messages:
            failure = message.get("MessageAttributes", {}).get("WorkerFailure")
            taken.append((message["Body"], failure and json.loads(failure["StringValue"])))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return taken


def check_failures(model, failures):
    """Of all letters that came by: a good event becomes one only by the redrive policy, which says nothing.

    After that, what its letter says is that it was redriven."""
    burned = {
        body: kinds for body, kinds in failures.items() if body not in model.bad and not kinds <= {None, "unexpected"}
    }
    assert not burned, f"good events that the worker made dead letters: {burned}"


def check_trials(model, worker):
    """Those are handled at least once."""
    assert model.trials <= set(worker.recorded), "handlers that blocked, and did not end"
