"""Dead letters in the console: seen, sent back, edited, discarded and restored."""

import json
import stat
import threading

import pytest

from support import wait_until
from support.console import Console, text_of
from support.events import UNLINKED, item

HOSTILE = '<script>document.title="owned"</script><img src=x onerror=alert(1)>\x00\x1b[31m\u202eevil'


def bad(number=0, **fields):
    """An event that no item type is there for."""
    return item(type=f"missing-{number}", **fields)


@pytest.fixture
def refused(console, queue):
    """Makes the worker dead-letter events; returns the letters' ids."""

    def make(*events):
        before, letters = console.api("/api/flow?limit=1000")["events"], queue_depth(queue)
        for event in events:
            queue.send(event)
        wait_until(
            lambda: len(console.api("/api/flow?limit=1000")["events"]) >= len(before) + len(events), "all were handled"
        )
        # Beside those that were there: what failed is in the flow before it is a dead letter.
        wait_until(lambda: queue_depth(queue) >= letters + len(events), "they are dead letters")
        return [letter["id"] for letter in console.refresh()["deadLetters"]]

    return make


def queue_depth(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = queue.sqs.get_queue_attributes(QueueUrl=queue.dead_letter_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def visible(queue):
    answer = queue.sqs.get_queue_attributes(
        QueueUrl=queue.dead_letter_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_letters_that_are_alike_are_a_group(console, refused, queue):
    refused(*(bad(number) for number in range(4)), {"eventType": "NOBODY"}, item(quantity=-1))
    found = console.seen()
    assert found["received"] == 6
    kinds = sorted((group["kind"], group["count"]) for group in found["groups"])
    assert kinds == [("notFound", 4), ("validation", 1), ("validation", 1)]
    [group] = [group for group in found["groups"] if group["count"] == 4]
    assert group["first"] <= group["last"]
    chosen = console.seen(f"&group={group['key']}")
    assert chosen["found"] == 4
    page = text_of(console.page("/dead-letters"))
    assert "This cost 6 receives" in page
    # They can be received by others.
    assert visible(queue) == 6


def test_looking_is_done_once_for_all_who_look(console, refused, queue):
    refused(bad())
    receives = console.seen()["deadLetters"][0]["receiveCount"]
    for _ in range(3):
        console.page("/dead-letters")
        console.seen()
    assert console.seen()["deadLetters"][0]["receiveCount"] == receives
    assert console.refresh()["deadLetters"][0]["receiveCount"] == receives + 1


def test_search_finds_what_is_in_bodies_and_attributes(console, queue, refused):
    refused(bad(1, discordUserId="111111111111111111"), bad(2))
    queue.sqs.send_message(
        QueueUrl=queue.dead_letter_url, MessageBody="{}",
        MessageAttributes={"note": {"DataType": "String", "StringValue": "find me by this"}},
    )
    console.refresh()
    assert console.seen("&q=111111111111111111")["found"] == 1
    assert console.seen("&q=find%20me")["found"] == 1
    assert console.seen("&q=notThere")["found"] == 0


def test_a_letter_is_shown_whole_and_exact(console, queue, refused):
    body = '{"eventType": "NOBODY", "big": 12345678901234567890, "precise": 0.10000000000000000555, "exp": 1E400}'
    refused(body)
    [letter] = console.seen()["deadLetters"]
    page = console.page(f"/dead-letters/{queue.name}/{letter['id']}")
    for number in ["12345678901234567890", "0.10000000000000000555", "1E400"]:
        assert number in page
    assert console.api(f"/api/dead-letters/{queue.name}/{letter['id']}")["body"] == body
    assert "WorkerFailure" in page and "Idempotency key" in page


def test_hostile_letters_are_text(console, queue, refused):
    body = json.dumps({"eventType": HOSTILE, "x": HOSTILE})
    refused(body)
    queue.sqs.send_message(
        QueueUrl=queue.dead_letter_url, MessageBody="</textarea><script>alert(1)</script>",
        MessageAttributes={"a-b": {"DataType": "String", "StringValue": "<b>bold</b>"}},
    )
    letters = console.refresh()["deadLetters"]
    paths = ["/dead-letters", *(f"/dead-letters/{queue.name}/{letter['id']}" for letter in letters)]

    def check(path):
        page = console.page(path)
        assert "<script>document" not in page and "<script>alert" not in page and "<img src" not in page, path
        assert "<b>bold" not in page and "\u202e" not in page and "\x1b" not in page and "\x00" not in page, path

    for path in paths:
        check(path)
    plan = console.api("/api/plans", {"action": "discard", "q": "<"}, status=201)
    check(f"/plans/{plan['id']}")
    job = console.api(f"/api/plans/{plan['id']}/confirm", {}, status=202)
    assert console.finish(job["id"])["gone"] == len(letters) == 2
    for path in [f"/jobs/{job['id']}", "/jobs", "/discarded", "/audit", "/flow"]:
        check(path)


def test_each_cause_and_each_attempt_is_shown(console, queue, refused):
    refused(bad(1))
    [letter] = queue.dead_letters()
    attempts = [{"at": f"2026-01-02T03:04:0{second}Z", "kind": "network", "message": f"try {second}"} for second in (5, 6)]
    failure = {**letter.failure, "messageId": "another", "causes": ["the outer", "the inner"], "attempts": attempts}
    attribute = {"DataType": "String", "StringValue": json.dumps(failure)}
    sent = queue.sqs.send_message(
        QueueUrl=queue.dead_letter_url, MessageBody=letter.body, MessageAttributes={"WorkerFailure": attribute}
    )
    console.refresh()
    page = text_of(console.page(f"/dead-letters/{queue.name}/{sent['MessageId']}"))
    assert "Caused by the outer the inner" in page
    assert "2026-01-02 03:04:05, network: try 5" in page and "2026-01-02 03:04:06, network: try 6" in page


def test_redrive_of_a_group_goes_on_while_it_succeeds(console, refused, prizes, queue):
    refused(*(bad(1, quantity=1) for _ in range(25)))
    prizes.learn("missing-1")
    done = console.carry_out(action="redrive", all=True)
    assert (done["state"], done["gone"], done["left"], done["failedAgain"]) == ("done", 25, 0, 0)
    assert done["handled"] == 25
    assert all(result["outcome"] == "redriven" and result["newId"] for result in done["results"])
    prizes.wait_for(UNLINKED, 25)
    assert queue_depth(queue) == 0
    assert console.seen()["found"] == 0


def test_redrive_stops_with_the_first_that_fails_again(console, refused, queue):
    ids = refused(*(bad(number) for number in range(15)))
    done = console.carry_out(action="redrive", all=True)
    assert done["state"] == "stopped" and "failed again" in done["reason"]
    assert (done["gone"], done["left"]) == (1, 14)
    assert {result["id"] for result in done["results"]} == set(ids), "each has a result"
    # Those that it had received, and did not get to, are still there.
    assert console.seen()["found"] == 14
    wait_until(lambda: queue_depth(queue) == 15, "it has come back")
    assert visible(queue) == 15, "those that were held were given back"


def test_what_comes_after_the_selection_stays(console, refused, queue, prizes):
    first = refused(bad(1))
    plan = console.api("/api/plans", {"action": "discard", "all": True}, status=201)
    assert plan["ids"] == first
    refused(bad(2))
    job = console.api(f"/api/plans/{plan['id']}/confirm", {}, status=202)
    assert console.finish(job["id"])["gone"] == 1
    [left] = console.refresh()["deadLetters"]
    assert left["id"] not in first
    # A plan is carried out once.
    console.api(f"/api/plans/{plan['id']}/confirm", {}, status=404)


def test_selected_letters_alone_are_discarded_and_can_be_restored(console, refused, queue, worker, prizes):
    ids = refused(bad(1), bad(2), bad(3))
    location, page = console.submit("/plans", [("action", "discard"), ("scope", "selected"), ("id", ids[0]), ("id", ids[2])])
    assert "Discard 2 of" in text_of(page)
    location, _ = console.submit(f"{location}/confirm")
    assert console.finish(location.removeprefix("/jobs/"))["gone"] == 2
    assert [letter["id"] for letter in console.refresh()["deadLetters"]] == [ids[1]]

    kept = console.api("/api/discarded")
    assert {letter["id"] for letter in kept["deadLetters"]} == {ids[0], ids[2]}
    folder = worker.folder / ".worker/console"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())
    # They outlive the process.
    console.running.stop()
    console = Console(worker.start("--admin", "0")).ready()
    assert console.api("/api/discarded/restore", {"ids": [ids[0]]})["restored"] == 1
    assert [letter["id"] for letter in console.api("/api/discarded")["deadLetters"]] == [ids[2]]
    console.api("/api/discarded/restore", {"ids": [ids[0]]}, status=409)
    back = console.refresh()["deadLetters"]
    assert len(back) == 2 and {letter["kind"] for letter in back} == {"notFound"}
    # Its event is the one that it was.
    prizes.learn("missing-1", "missing-2", "missing-3")
    assert console.carry_out(action="redrive", all=True)["handled"] == 2


def test_what_cannot_be_kept_is_not_discarded(make_console, queue, worker, prizes):
    blocked = worker.folder / "file"
    blocked.write_text("no folder")
    console = make_console(folder=str(blocked / "console"))
    queue.send(bad())
    wait_until(lambda: queue_depth(queue) == 1, "it is a dead letter")
    console.refresh()
    done = console.carry_out(action="discard", all=True)
    assert done["state"] == "stopped" and "admin.folder" in done["reason"]
    assert queue_depth(queue) == 1
    assert console.seen()["found"] == 1


def test_an_edited_letter_is_checked_shown_and_redriven_as_the_same_event(console, refused, queue, prizes):
    [id] = refused(item(quantity="many"))
    page = console.page(f"/dead-letters/{queue.name}/{id}")
    assert "Unchanged, it will fail again" in page
    edit = f"/dead-letters/{queue.name}/{id}/edit"
    _, page = console.submit(edit, {"body": json.dumps(item(quantity=-3)), "as": "same"})
    assert "will fail again" in page
    location, page = console.submit(edit, {"body": json.dumps(item(quantity=3), indent=1), "as": "same"})
    assert "The event's schema accepts it." in text_of(page) and "the same event" in page
    assert 'class="removed"' in page and 'class="added"' in page
    location, _ = console.submit(f"{location}/confirm")
    assert console.finish(location.removeprefix("/jobs/"))["handled"] == 1
    assert prizes.waiting_quantity(UNLINKED) == 3
    assert queue_depth(queue) == 0


def test_an_edited_letter_can_be_a_new_event(console, queue, prizes):
    queue.send(item(quantity=2), {"IdempotencyKey": "first"})
    prizes.wait_for(UNLINKED, 2)
    queue.send({"eventType": "NOBODY"}, {"IdempotencyKey": "first"})
    wait_until(lambda: queue_depth(queue) == 1, "it is a dead letter")
    [letter] = console.refresh()["deadLetters"]
    body = json.dumps(item(quantity=5))
    same = console.carry_out(action="redrive", ids=[letter["id"]], body=body)
    assert same["state"] == "stopped" and "conflict" in same["reason"]
    assert same["failedAgain"] == 1 and prizes.waiting_quantity(UNLINKED) == 2, "its event was granted before"
    wait_until(lambda: visible(queue) == 1, "it has come back")
    [letter] = console.refresh()["deadLetters"]
    console.carry_out(action="redrive", ids=[letter["id"]], body=body, asNewEvent=True)
    assert prizes.waiting_quantity(UNLINKED) == 7


def test_letters_are_exported_as_the_command_does(console, refused, queue, worker):
    ids = refused(bad(1), bad(2))
    answer = console.request(
        "POST", "/api/dead-letters/export", '{"all": true}', Content_Type="application/json", X_CSRF_Token=console.token
    )
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert {line["id"] for line in lines} == set(ids)
    assert "attachment" in answer.headers["Content-Disposition"]
    exported = worker.command("dead-letters", "export", "--routes", worker.write_routes()).succeeded().stdout
    commands = {line["id"]: line for line in map(json.loads, exported.splitlines())}
    for line in lines:
        assert {**line, "receiveCount": 0} == {**commands[line["id"]], "receiveCount": 0}


def test_a_job_can_be_aborted(console, refused, queue, prizes):
    refused(*(bad(1) for _ in range(30)))
    prizes.learn("missing-1")
    with prizes.locked():
        # The first does not come to its end, so the stage waits.
        plan = console.api("/api/plans", {"action": "redrive", "all": True}, status=201)
        job = console.api(f"/api/plans/{plan['id']}/confirm", {}, status=202)
        wait_until(lambda: console.api(f"/api/jobs/{job['id']}")["gone"] >= 1, "the first is redriven")
        console.api(f"/api/jobs/{job['id']}/abort", {}, status=202)
        done = console.finish(job["id"])
    assert done["state"] == "aborted" and done["gone"] < 30
    assert console.seen()["found"] == 30 - done["gone"]
    wait_until(lambda: visible(queue) == 30 - done["gone"], "the others were given back")


def test_two_operators_do_not_hide_letters_from_each_other(console, refused, queue, prizes):
    ids = refused(*(bad(1) for _ in range(12)), *(bad(2) for _ in range(12)))
    prizes.learn("missing-1", "missing-2")
    halves = [ids[:12], ids[12:]]
    results = [None, None]

    def act(index):
        results[index] = Console(console.running).carry_out(action="redrive", ids=halves[index])

    threads = [threading.Thread(target=act, args=[index]) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result["gone"] for result in results] == [12, 12], results
    assert queue_depth(queue) == 0


def test_what_another_process_looks_at_is_waited_for(console, refused, queue):
    ids = refused(*(bad(1) for _ in range(5)))
    # As another worker's console has them while it looks.
    queue.sqs.receive_message(QueueUrl=queue.dead_letter_url, MaxNumberOfMessages=10, VisibilityTimeout=3)
    done = console.carry_out(action="discard", ids=ids)
    assert (done["state"], done["gone"]) == ("done", 5)


def test_both_who_take_the_same_letters_are_told_the_truth(console, refused, queue, prizes):
    ids = refused(bad(1), bad(1))
    prizes.learn("missing-1")
    plans = [console.api("/api/plans", {"action": "redrive", "ids": ids}, status=201) for _ in range(2)]
    jobs = [console.api(f"/api/plans/{plan['id']}/confirm", {}, status=202) for plan in plans]
    done = [console.finish(job["id"]) for job in jobs]
    assert sorted(one["gone"] for one in done) == [0, 2]
    assert {result["outcome"] for one in done for result in one["results"]} == {"redriven", "notFound"}
    assert prizes.waiting_quantity(UNLINKED) == 2 * item()["quantity"]


def test_a_group_or_what_a_search_finds_is_discarded_and_nothing_else(console, refused):
    refused(bad(1), bad(2), bad(3, discordUserId="111111111111111111"), item(quantity=-1), item(quantity=-1))
    [group] = [group for group in console.seen()["groups"] if group["kind"] == "validation"]
    done = console.carry_out(action="discard", group=group["key"])
    assert (done["state"], done["gone"]) == ("done", 2)
    assert [group["kind"] for group in console.seen()["groups"]] == ["notFound"]
    done = console.carry_out(action="discard", q="111111111111111111")
    assert (done["state"], done["gone"]) == ("done", 1)
    assert console.refresh()["found"] == 2

    def selections():
        entries = console.api("/api/audit")["entries"]
        return [entry["details"]["selection"] for entry in entries if entry["action"] == "discard: done"]

    wait_until(lambda: len(selections()) == 2, "both ends are noted")
    assert "111111111111111111" in selections()[0] and "validation" in selections()[1], "it says what was chosen"


def test_each_action_is_in_the_audit_log_and_in_the_log(console, refused, worker):
    refused(bad(1))
    console.carry_out(action="discard", all=True)
    entries = wait_until(
        lambda: [entry for entry in console.api("/api/audit")["entries"] if entry["action"] == "discard: done"],
        "its end is noted",
    )
    assert entries[0]["user"] == "loopback"
    assert entries[0]["details"]["deadLetters"] == "1" and entries[0]["details"]["gone"] == "1"
    assert "discard confirmed" in str(console.api("/api/audit"))
    assert "console action" in console.running.log()
    assert "discard confirmed" in text_of(console.page("/audit"))
    # It is shown before it is written.
    file = worker.folder / ".worker/console/audit.jsonl"
    wait_until(lambda: "discard: done" in file.read_text(), "its end is in the file")


def test_a_dead_letter_queue_with_a_redrive_policy_is_not_looked_at_unasked(console, queue, sqs):
    name = f"{queue.name}-dlq-dlq"
    arn = sqs.get_queue_attributes(
        QueueUrl=sqs.create_queue(QueueName=name)["QueueUrl"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    sqs.set_queue_attributes(QueueUrl=queue.dead_letter_url, Attributes={"RedrivePolicy": policy})
    queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="{}")
    assert "has a redrive policy of its own" in text_of(console.page("/dead-letters"))
    assert console.seen()["received"] == 0
    console.submit("/dead-letters/refresh", {"queue": queue.name, "despiteRedrivePolicy": "1"})
    wait_until(lambda: (console.seen() or {}).get("received") == 1, "it was looked at")
