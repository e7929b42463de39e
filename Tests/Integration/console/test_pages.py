"""What the console shows of a worker that works."""

import os
import re
import shutil
from urllib.parse import unquote

import pytest

from support import wait_until
from support.console import Console, text_of
from support.events import example, item


def test_the_overview_says_how_the_queue_is(console, queue):
    queue.send(example("item-awarded"))
    wait_until(lambda: console.api("/api/flow")["events"], "an event has passed")
    page = text_of(console.page("/"))
    assert queue.name in page and "of 16" in page
    assert "routes.yaml" in page
    overview = console.api("/api/overview")
    [shown] = overview["queues"]
    assert shown["name"] == queue.name
    assert shown["now"]["slots"] == 16
    wait_until(lambda: console.api("/api/overview")["queues"][0]["now"].get("visible") == 0, "the depth is known")


def test_the_doctor_s_findings_are_at_the_top_with_what_fixes_them(worker, prizes, queue):
    worker.settings["maxReceiveCount"] = 7
    # The doctor may be faster than the start of the queue, which has a card from then on.
    console = Console(worker.start("--admin", "0")).ready()
    wait_until(lambda: "maxReceiveCount: 3" in text_of(console.page("/")), "the doctor has run")
    page = console.page("/")
    assert "Problems" in page and page.index("Problems") < page.index('class="card queue"')


def test_each_queue_leads_to_its_own_dead_letters(worker, prizes, queue, make_queue):
    other = make_queue()
    worker.routes["queues"]["other"] = {**worker.settings, "url": other.url}
    for each in (queue, other):
        queue.sqs.send_message(QueueUrl=each.dead_letter_url, MessageBody="{}")
    console = Console(worker.start("--admin", "0")).ready()
    for each in (queue, other):
        link = f'href="/dead-letters?queue={each.name}">1 dead letters</a>'
        wait_until(lambda: link in unquote(console.page("/")), "the dead letters are counted")
        page = f"/dead-letters?queue={each.name}"
        wait_until(lambda: f"1 dead letters in {each.name}-dlq" in text_of(console.page(page)), "they are shown")


def test_a_plugin_that_is_down_is_an_open_circuit_breaker(console, queue, prizes):
    with prizes.locked():
        queue.send(example("item-awarded"))
        wait_until(lambda: console.api("/api/overview")["openCircuitBreakers"], "the breaker is open")
        assert "Circuit breaker of prizes" in text_of(console.page("/"))


def test_the_flow_shows_each_attempt_and_no_body(console, queue):
    id = queue.send(item(quantity=7), {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    bad = queue.send({"eventType": "NOBODY_TAKES_THIS", "secret": "s3cr3t"})
    wait_until(lambda: len(console.api("/api/flow")["events"]) >= 2, "both have passed")
    events = {event["messageId"]: event for event in console.api("/api/flow")["events"]}
    assert (events[id]["outcome"], events[id]["route"], events[id]["attempt"]) == ("handled", "ITEM_AWARDED", 1)
    assert events[id]["traceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert (events[bad]["outcome"], events[bad]["route"]) == ("deadLetter", "unrouted")
    page = console.page("/flow")
    assert id in page and bad in page and "s3cr3t" not in page
    filtered = console.page("/flow?outcome=deadLetter")
    assert id not in filtered and bad in filtered
    assert console.get("/api/flow?outcome=nonsense").status == 400


def test_traces_are_linked_by_the_template(make_console, queue):
    console = make_console(traceLink="http://localhost:16686/trace/{traceId}")
    queue.send(item(), {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    link = 'href="http://localhost:16686/trace/0af7651916cd43dd8448eb211c80319c"'
    wait_until(lambda: link in console.page("/flow"), "the trace is linked")


def test_a_duplicate_is_shown_as_one(console, queue):
    for _ in range(2):
        queue.send(item(), {"IdempotencyKey": "twice"})
    wait_until(lambda: len(console.api("/api/flow")["events"]) == 2, "both have passed")
    assert sorted(event["outcome"] for event in console.api("/api/flow")["events"]) == ["duplicate", "handled"]


def test_the_flow_is_filtered(console, queue):
    good = queue.send(item())
    bad = queue.send({"eventType": "NOBODY_TAKES_THIS"})
    wait_until(lambda: len(console.api("/api/flow")["events"]) >= 2, "both have passed")
    for query, expected in {
        f"id={good}": {good},
        "route=unrouted": {bad},
        "outcome=handled": {good},
        f"queue={queue.name}": {good, bad},
        "queue=nobody": set(),
        f"queue={queue.name}&outcome=deadLetter": {bad},
    }.items():
        assert {event["messageId"] for event in console.api(f"/api/flow?{query}")["events"]} == expected, query
        rows = console.page(f"/flow?{query}").partition("<tbody")[2]
        assert {id for id in (good, bad) if id in rows} == expected, query


def test_routes_are_shown_with_counts_and_percentiles(console, queue):
    for _ in range(3):
        queue.send(item())
    wait_until(lambda: len(console.api("/api/flow")["events"]) == 3, "all have passed")
    [route] = [route for route in console.api("/api/routes")["routes"] if route["eventType"] == "ITEM_AWARDED"]
    assert route["handler"] == "prizes.item" and route["outcomes"]["handled"] == 3
    assert 0 < route["medianSeconds"] <= route["p95Seconds"] <= route["p99Seconds"]
    page = text_of(console.page("/routes"))
    assert "prizes.item" in page and "20.0 s" in page and "goes to the dead-letter queue" in page


def test_a_routes_policy_and_limit_are_shown(worker, make_console):
    worker.routes["limits"] = {"slow": {"rate": "90/m", "burst": 4, "concurrency": 8, "key": "guild.id"}}
    worker.routes["routes"]["ITEM_AWARDED"]["limit"] = "slow"
    console = make_console()
    page = text_of(console.page("/routes"))
    assert "retry 1.0 s × 2.0, at most 1.0 s" in page
    assert "at once to the dead-letter queue: badRequest, conflict, notFound, validation" in page
    assert page.count("limit: slow, 90/m, a burst of 4, 8 at once, for each guild.id") == 1
    limits = {route["eventType"]: route.get("limit") for route in console.api("/api/routes")["routes"]}
    assert limits == {"ITEM_AWARDED": "slow", "CHARACTER_AWARDED": None, "ACCOUNT_LINKED": None}


def test_live_parts_come_as_server_sent_events(console, queue):
    import http.client

    connection = http.client.HTTPConnection(console.address, timeout=30)
    connection.request("GET", "/live/flow")
    stream = connection.getresponse()
    assert stream.headers["Content-Type"] == "text/event-stream"
    id = queue.send(item())
    seen = b""
    while id.encode() not in seen:
        seen += stream.readline()
    assert b"event: part\ndata: flow\n" in seen
    connection.close()


def test_a_stop_ends_live_pages(console):
    import http.client

    connection = http.client.HTTPConnection(console.address, timeout=30)
    connection.request("GET", "/live/overview")
    stream = connection.getresponse()
    stream.readline()
    console.running.terminate()
    assert b"stopping" in stream.read()
    assert console.running.wait() == 0


def test_methods_and_paths_that_there_are_not(console):
    answer = console.request("DELETE", "/flow")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert console.get("/nothing").status == 404
    missing = console.get("/api/nothing")
    assert (missing.status, missing.headers["Content-Type"]) == (404, "application/problem+json")
    assert missing.json["status"] == 404 and missing.json["title"]
    head = console.request("HEAD", "/")
    assert (head.status, head.body) == (200, b"")


def test_the_binary_alone_has_all_of_its_pages(binary, worker, prizes, tmp_path):
    """Its styles, scripts and templates are in it: it is copied elsewhere, with nothing beside it."""
    alone = shutil.copy(os.path.realpath(binary), tmp_path / "worker")
    worker.binary = str(alone)
    console = Console(worker.start("--admin", "0")).ready()
    page = console.page("/")
    for asset in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page):
        assert console.get(asset).status == 200, asset
    for path in ["/flow", "/routes", "/dead-letters", "/jobs", "/audit", "/discarded", "/login"]:
        console.page(path)
