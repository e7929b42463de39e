"""`worker prizes holdings` looks, and says where it looked."""

import json

import pytest

from support.events import CATALOG, UNLINKED, item
from support.prizes import Prizes

# Without a queue, or with one whose kind does not matter.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


def holdings(worker, *arguments):
    return worker.command("prizes", "holdings", "--user", UNLINKED, *arguments, "--routes", worker.write_routes())


def names(worker):
    return sorted(path.name for path in worker.folder.iterdir())


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_a_database_that_was_never_filled(json_flag, worker):
    """As a run leaves it that failed at its start."""
    worker.database.touch()
    shown = holdings(worker, *json_flag).failed()
    assert f"the database {worker.database} has no tables" in shown.stderr
    assert "import a catalog first" in shown.stderr
    assert worker.database.stat().st_size == 0
    assert names(worker) == ["prizes.db", "routes.yaml"]


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_a_database_without_a_catalog(json_flag, worker):
    Prizes(worker).import_catalog({"accounts": []})
    shown = holdings(worker, *json_flag).failed()
    assert f"the database {worker.database} has no catalog" in shown.stderr
    assert "import a catalog first" in shown.stderr


def test_no_database(worker):
    shown = holdings(worker).failed()
    assert f"there is no database {worker.database}" in shown.stderr
    assert names(worker) == ["routes.yaml"]


def test_somebody_of_whom_nothing_is_known(worker, prizes):
    files = names(worker)
    shown = holdings(worker).succeeded()
    assert f"Nothing is known for {UNLINKED} in sqlite:{worker.database}" in shown.stdout
    assert names(worker) == files


def test_beside_a_worker(queue, worker, prizes):
    running = worker.start()
    queue.send(item(quantity=3))
    queue.wait_until_empty()
    assert "3 × Gold coin" in holdings(worker).succeeded().stdout
    queue.send(item(quantity=4))
    queue.wait_until_empty()
    assert json.loads(holdings(worker, "--json").succeeded().stdout)["items"]["pending"][0]["quantity"] == 7
    running.stop()


@pytest.mark.parametrize("command", [["holdings", "--user", UNLINKED], ["import", "catalog.yaml"]])
@pytest.mark.parametrize("routes", [None, "version: 1\nplugins: { prizes: { databse: sqlite:prizes.db } }\n"])
def test_a_routes_file_that_is_missing_or_wrong_is_78_as_everywhere(command, routes, worker):
    (worker.folder / "catalog.yaml").write_text(json.dumps(CATALOG))
    path = worker.folder / "other.yaml"
    if routes:
        path.write_text(routes)
    done = worker.command("prizes", *command, "--routes", path)
    assert done.code == 78
    assert str(path) in done.stderr
    assert worker.command("check", "--routes", path).code == 78
