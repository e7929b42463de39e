"""The prize plugin's pages, on both stores: who holds what, and what was granted."""

import csv
import io

import pytest

from support import wait_until
from support.console import text_of
from support.events import COIN, LINKED, MIRA, UNLINKED, account_linked, character, item


pytestmark = pytest.mark.parametrize("prizes", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def granted(console, queue):
    """What was granted, left pending, claimed and refused."""
    events = [item(quantity=5), item(quantity=2), character(MIRA), item(user=LINKED, quantity=3), item(type="missing")]
    for event in events:
        queue.send(event)
    wait_until(lambda: len(console.api("/api/flow")["events"]) == len(events), "all were handled")
    return console


def test_a_history_that_is_not_whole_says_so(console, queue):
    for number in range(100):
        if number == 99:
            wait_until(lambda: len(console.api("/api/flow?limit=1000")["events"]) == 99, "all but one were handled")
            assert "These are the latest 100" not in console.page(f"/plugins/prizes/holdings?id={UNLINKED}")
        queue.send(item())
    page = f"/plugins/prizes/holdings?id={UNLINKED}"
    wait_until(lambda: "These are the latest 100" in console.page(page), "there may be more")


def test_someone_is_looked_up_by_either_id(granted, queue):
    page = text_of(granted.page(f"/plugins/prizes/holdings?id={UNLINKED}"))
    assert "no account is linked" in page and "Gold coin" in page and COIN in page and MIRA in page
    record = granted.api(f"/api/plugins/prizes/holdings?id={UNLINKED}")
    tables = {table["name"]: table["rows"] for table in record["tables"]}
    assert tables["pending"] == [["Gold coin", COIN, "7"], [f"Character {MIRA}", MIRA, "1"]] and tables["owned"] == []
    assert len(tables["history"]) == 3 and all(row[1] == "pending" for row in tables["history"])
    queue.send(account_linked(UNLINKED, "bob"))
    wait_until(lambda: "bob" in granted.page(f"/plugins/prizes/holdings?id={UNLINKED}"), "the account is linked")
    owned = granted.api("/api/plugins/prizes/holdings?id=bob")["tables"][0]["rows"]
    assert owned == [["Gold coin", COIN, "7"], [f"Character {MIRA}", MIRA, "1"]]
    assert "Nothing is known of nobody." in text_of(granted.page("/plugins/prizes/holdings?id=nobody"))


def test_reports_sum_up_by_day_community_and_item_type(granted):
    for by, id in [("day", None), ("community", "crew"), ("item-type", COIN)]:
        [table, *_] = granted.api(f"/api/plugins/prizes/report?by={by}")["tables"]
        # Of days there are two where midnight came in between; the last row is all of them.
        rows = [row for row in table["rows"][:-1] if id in (None, row[0])]
        sums = [sum(int(row[column]) for row in rows) for column in (3, 5)]
        assert sums == [3, 7 if by == "item-type" else 8], (by, table)
        page = granted.page(f"/plugins/prizes/report?by={by}")
        assert "<svg" in page and 'class="legend"' in page
        # Days have no names: a column without values is in the file alone.
        assert ('data-label="name"' in page) == (by != "day")
    assert granted.get("/plugins/prizes/report?by=moon").status == 400
    assert granted.get("/api/plugins/prizes/report?from=2026-13-01").status == 400


def test_a_report_is_had_as_csv_and_agrees_with_the_command(granted, worker):
    answer = granted.get("/plugins/prizes/report?by=community&csv=report")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.body.decode())))
    command = worker.command(
        "prizes", "report", "--by", "community", "--format", "csv", "--routes", worker.write_routes()
    ).succeeded()
    [_, *printed] = csv.reader(io.StringIO(command.stdout))
    assert [row[2:] for row in rows[1:-1]] == [row[2:] for row in printed if row[0] not in ("all", "")]


def test_what_was_refused_is_counted_from_the_dead_letters(granted):
    # What failed is in the flow before it is a dead letter.
    wait_until(lambda: granted.refresh()["found"] == 1, "what was refused is a dead letter")
    page = text_of(granted.page("/plugins/prizes/report"))
    assert "Refused" in page and "ITEM_AWARDED notFound 1" in page


def test_a_page_that_there_is_not(console):
    assert console.get("/plugins/prizes/nothing").status == 404
    assert console.get("/plugins/nobody/report").status == 404
