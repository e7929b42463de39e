"""`worker check`: everything that is wrong with a routes file at once, and where."""

import re
from types import SimpleNamespace

import pytest

GOOD = """\
version: 1
queues:
  prizes:
    url: ${AWS_SQS_QUEUE_URL}
    region: ${AWS_REGION:-us-east-1}
    enabled: ${AWS_SQS_ENABLED:-true}
    waitTime: 5s
plugins:
  prizes:
    database: sqlite:prizes.db
routes:
  ITEM_AWARDED:      { handler: prizes.item }
  CHARACTER_AWARDED: { handler: prizes.character, errors: { permanent: [conflict, notFound] } }
"""

BAD = """\
version: 1
queues:
  prizes:
    url: ${AWS_SQS_QUEUE_URL}
    visibilityTimeuot: 30s
    maxMessages: eleven
    waitTime: 5
plugins:
  prizes:
    databse: sqlite:prizes.db
routes:
  ITEM_AWARDED:
    handler: prizes.itm
  CHARACTER_AWARDED:
    handler: prizes.character
    errors: { permanent: [conflct] }
"""


@pytest.fixture
def queue():
    """Nobody calls it, so no server is started."""
    return SimpleNamespace(url="http://127.0.0.1:9/000000000000/nowhere")


def test_a_good_file_shows_its_routes(worker):
    checked = worker.command("check", "--routes", worker.write_routes(GOOD)).succeeded()
    for route, handler in [("ITEM_AWARDED", "prizes.item"), ("CHARACTER_AWARDED", "prizes.character")]:
        assert re.search(rf"{route}\b.*{re.escape(handler)}\b", checked.stdout), checked.stdout


def test_it_opens_nothing(worker):
    worker.command("check", "--routes", worker.write_routes(GOOD)).succeeded()
    assert sorted(path.name for path in worker.folder.iterdir()) == ["routes.yaml"]


def test_a_bad_file_shows_every_problem_with_its_place_and_the_nearest_name(worker):
    checked = worker.command("check", "--routes", worker.write_routes(BAD)).failed()
    for place, what, nearest in [
        ("5:5", "visibilityTimeuot", "visibilityTimeout"),
        ("6:18", "maxMessages", None),
        ("7:15", "waitTime", None),
        ("10:5", "databse", "database"),
        ("13:14", "prizes.itm", "prizes.item"),
        ("16:27", "conflct", "conflict"),
    ]:
        lines = [line for line in checked.output.splitlines() if re.search(rf"routes\.yaml:{place}\b", line)]
        assert lines, f"no line names routes.yaml:{place}, where {what} is:\n{checked.output}"
        assert what in lines[0]
        if nearest:
            assert re.search(rf"did you mean.*\b{re.escape(nearest)}\b", lines[0]), lines[0]


def test_a_file_that_is_not_yaml_names_the_line(worker):
    checked = worker.command("check", "--routes", worker.write_routes("version: 1\nqueues: [\n")).failed()
    assert re.search(r"routes\.yaml:\d+", checked.output)


def test_a_file_that_is_not_there(worker):
    checked = worker.command("check", "--routes", "elsewhere.yaml").failed()
    assert "elsewhere.yaml" in checked.stderr


def test_a_bad_file_keeps_the_worker_from_starting(worker):
    started = worker.command("run", "--until-empty", "--routes", worker.write_routes(BAD)).failed()
    assert "visibilityTimeuot" in started.output and "prizes.itm" in started.output
