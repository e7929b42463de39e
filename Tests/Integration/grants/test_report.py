"""`worker prizes report` sums up what was granted; old keys of handled events are pruned by the worker, and the ledger stays."""

import csv
import io
import json

import pytest

from support import wait_until
from support.events import LINKED, SWORD, UNLINKED, account_linked, item

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def report(worker, *arguments):
    return worker.command("prizes", "report", *arguments, "--routes", worker.write_routes())


def test_sums_up_what_was_granted(queue, worker, prizes):
    queue.send(item(UNLINKED, 5))
    queue.send(item(LINKED, 2, SWORD))
    worker.run_until_empty()
    queue.send(account_linked(UNLINKED, "bob"))
    worker.run_until_empty()
    shown = report(worker, "--by", "item-type").succeeded().stdout
    assert shown.splitlines()[0].split() == ["item-type", "name"] + ["granted", "quantity", "pending", "quantity"] + [
        "claimed", "quantity",
    ]  # fmt: skip
    assert [line.split()[-6:] for line in shown.splitlines()[1:]] == [
        ["0", "0", "1", "5", "1", "5"],
        ["1", "2", "0", "0", "0", "0"],
        ["1", "2", "1", "5", "1", "5"],
    ]
    [row] = csv.DictReader(io.StringIO(report(worker, "--by", "community", "--format", "csv").succeeded().stdout))
    assert (row["granted_quantity"], row["pending_awards"], row["claimed_quantity"]) == ("2", "1", "5")
    days = json.loads(report(worker, "--format", "json").succeeded().stdout)
    # Two of them where midnight came in between.
    assert days["by"] == "day" and sum(day["pending"]["quantity"] for day in days["rows"]) == 5
    for day in (row["id"] for row in days["rows"]):
        assert day in report(worker, "--from", day, "--to", day).succeeded().stdout
    assert report(worker, "--to", "2020-01-01").succeeded().stdout == "The ledger has nothing of these days.\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--from", "2026-02-30"], "must be a day such as 2026-11-28"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "--to must not be before --from"),
        (["--by", "week"], "week"),
        (["--format", "xml"], "xml"),
    ],
)
def test_refuses(worker, prizes, arguments, problem):
    assert problem in report(worker, *arguments).failed().stderr


def test_keys_are_pruned_by_a_running_worker(queue, worker, prizes):
    queue.send(item(UNLINKED, 5))
    worker.run_until_empty()
    for number, days in enumerate([200, 91, 89, 1]):
        time = f"strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-{days} days')"
        prizes.execute(f"INSERT INTO handled_events VALUES ('ITEM_AWARDED', 'key {number}', '{{}}', {time})")
    running = worker.start()
    keys = "SELECT key FROM handled_events WHERE key LIKE 'key %' ORDER BY key"
    wait_until(lambda: prizes.query(keys) == [("key 2",), ("key 3",)], "old keys are pruned")
    wait_until(lambda: "keys of events that were handled long ago are pruned" in running.log(), "the worker says so")
    running.stop()
    assert prizes.query("SELECT count(*) FROM handled_events") == [(3,)]
    assert prizes.query("SELECT count(*) FROM ledger") == [(1,)]


def test_keys_that_are_kept_for_less_than_a_message_lives_are_refused(worker):
    worker.routes["plugins"]["prizes"]["keepHandledEvents"] = "14d"
    shown = worker.command("check", "--routes", worker.write_routes()).failed()
    assert "keepHandledEvents" in shown.output and "must be more than 28d" in shown.output
