"""`worker check`: everything that is wrong with a routes file at once, and where."""

import json
import re
from types import SimpleNamespace

import pytest

from support.events import EXAMPLES

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


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["doctor"], ["doctor", "--json"]], ids=" ".join)
def test_a_password_in_a_url_is_not_shown(arguments, worker):
    worker.environment["AWS_SQS_QUEUE_URL"] = "http://me:s3cret@127.0.0.1:9/000000000000/prizes?key=s3cret"
    shown = worker.command(*arguments, "--routes", worker.write_routes(GOOD))
    assert "127.0.0.1:9" in shown.output
    assert "s3cret" not in shown.output


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


class TestWhatTheEnvironmentHolds:
    """Secrets and addresses from files and stores end in line breaks."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("AWS_SQS_QUEUE_URL", "http://127.0.0.1:9/000000000000/prizes\n"),
            ("AWS_SQS_QUEUE_URL", " \thttp://127.0.0.1:9/000000000000/prizes \r\n"),
            ("AWS_REGION", "eu-west-1\n"),
            ("AWS_SQS_ENABLED", " true\n"),
        ],
    )
    def test_white_space_at_its_ends_is_dropped(self, name, value, worker):
        worker.environment[name] = value
        checked = worker.command("check", "--json", "--routes", worker.write_routes(GOOD)).succeeded()
        assert json.loads(checked.stdout)["queues"][0]["url"] == worker.environment["AWS_SQS_QUEUE_URL"].strip()

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("AWS_SQS_QUEUE_URL", "http://127.0.0.1:9/1/q\nX-Injected: yes", "AWS_SQS_QUEUE_URL holds a line break"),
            ("AWS_REGION", "us-east-1\x1b[2J", r"AWS_REGION holds the control character U\+001B"),
            ("AWS_SQS_QUEUE_URL", "http://127.0.0.1:9/1/my prizes", r"4:10: queues\.prizes\.url must be a queue URL"),
            ("AWS_SQS_QUEUE_URL", "http://127.0.0.1:9/", r"queues\.prizes\.url must end with the queue's name"),
            ("AWS_SQS_QUEUE_URL", "http://127.0.0.1:9/1/q?Action=Purge", r"prizes\.url must end .*without `\?`"),
            ("AWS_SQS_QUEUE_URL", "http://me:hunter2@127.0.0.1:9/1/q", r"queues\.prizes\.url must hold no user name"),
            ("AWS_REGION", "us east", r"5:13: queues\.prizes\.region must be an AWS region.*`us east`"),
            ("AWS_REGION", "eu-west-1}", r"queues\.prizes\.region must be an AWS region"),
            ("AWS_ENDPOINT_URL_SQS", "127.0.0.1:4566", "AWS_ENDPOINT_URL_SQS"),
            ("AWS_ENDPOINT_URL", "http://a b", "AWS_ENDPOINT_URL"),
        ],
    )
    def test_what_cannot_be_is_said(self, name, value, expected, worker):
        worker.environment[name] = value
        checked = worker.command("check", "--routes", worker.write_routes(GOOD)).failed()
        assert checked.code == 78
        assert re.search(expected, checked.stderr), checked.stderr
        assert "hunter2" not in checked.output and "\x1b" not in checked.output

    def test_a_default_can_hold_another_variable(self, worker):
        routes = GOOD.replace("AWS_REGION:-us-east-1}", "AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}")
        del worker.environment["AWS_REGION"]
        worker.command("check", "--routes", worker.write_routes(routes)).succeeded()
        worker.environment["AWS_DEFAULT_REGION"] = "not a region"
        checked = worker.command("check", "--routes", worker.write_routes(routes)).failed()
        assert "it is `not a region`" in checked.stderr

    def test_what_is_filled_in_is_not_read_again(self, worker):
        routes = GOOD.replace("sqlite:prizes.db", "sqlite:${A}${B}")
        worker.environment |= {"A": "x$", "B": "{HOME}.db", "PRIZE": "never"}
        worker.command("check", "--routes", worker.write_routes(routes)).succeeded()
        worker.command("prizes", "import", EXAMPLES / "catalog.yaml").succeeded()
        assert (worker.folder / "x${HOME}.db").exists()


class TestAFileOfSomebodyElses:
    """What is read of it, and said about it, is bounded."""

    @staticmethod
    def bomb():
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
        return "\n".join([*lines, "? *a29", ": x", ""])

    def test_a_bomb_of_aliases(self, worker):
        checked = worker.command("check", "--routes", worker.write_routes(self.bomb()), timeout=60).failed()
        assert re.search(r"routes\.yaml:5:45: the aliases .* more than 100000 values", checked.stderr), checked.stderr

    def test_a_bomb_of_aliases_as_a_catalog(self, worker):
        worker.write_routes(GOOD)
        (worker.folder / "catalog.yaml").write_text(self.bomb())
        imported = worker.command("prizes", "import", "catalog.yaml", timeout=60).failed()
        assert re.search(r"catalog\.yaml:5:45: the aliases .* more than 100000 values", imported.stderr)

    @pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["run"], ["schema"]], ids=" ".join)
    def test_a_list_of_aliases_gives_a_page_of_messages(self, command, worker):
        aliases = ", ".join(["*long"] * 300)
        routes = f"routes: {{ R: {{ handler: x, errors: {{ permanent: [&long {'x' * 57_000}, {aliases}] }} }} }}\n"
        routes += "".join(f"key{number}: {{}}\n" for number in range(1000))
        shown = worker.command(*command, "--routes", worker.write_routes(routes), timeout=60).failed()
        assert shown.code == 78
        assert len(shown.output) < 100_000

    def test_a_list_of_aliases_as_a_catalog(self, worker):
        worker.write_routes(GOOD)
        catalog = f"characters: [&x {{ id: '{'x' * 57_000}' }}, {', '.join(['*x'] * 20_000)}]"
        (worker.folder / "catalog.yaml").write_text(catalog)
        imported = worker.command("prizes", "import", "catalog.yaml", timeout=60).failed()
        assert "name is missing in a character" in imported.stderr
        assert len(imported.output) < 100_000

    @pytest.mark.parametrize(
        ("routes", "expected"),
        [
            ("routes: &r { A: {} }\n<<: *r\n", r"2:1: `<<` does not merge keys here"),
            ("queues:\n  a: { url: ${AWS_SQS_QUEUE_URL} }\n", r"2:14: .*needs quotes: \{ url: \"\$\{NAME\}\" \}"),
            ("version: 1\n---\nversion: 1\n", r"2:1: a second document begins here"),
            ("version: !!binary MQ==\n", r"1:10: the tag `!!binary` is not read"),
            ("queues:\n\ta: {}\n", r"2:1: .*indent with spaces"),
            ("[" * 100_000, r"\d+:\d+: this is nested more than 64 deep"),
        ],
        ids=["merge keys", "no quotes", "two documents", "a tag", "a tab", "deep"],
    )
    def test_what_it_does_not_read_is_said_with_its_place(self, routes, expected, worker):
        checked = worker.command("check", "--routes", worker.write_routes(routes)).failed()
        assert re.search(rf"routes\.yaml:{expected}", checked.stderr), checked.stderr[:2000]

    def test_utf_16(self, worker):
        worker.write_routes().write_text(GOOD, encoding="utf-16")
        assert "UTF-16; save it as UTF-8" in worker.command("check").failed().stderr

    def test_a_byte_order_mark_is_no_problem(self, worker):
        worker.write_routes().write_text(GOOD, encoding="utf-8-sig")
        worker.command("check").succeeded()


class TestTheFileIsNamed:
    @pytest.mark.parametrize("command", ["check", "schema"])
    def test_without_routes(self, command, worker):
        worker.write_routes(GOOD).rename(worker.folder / "other.yaml")
        named = worker.command(command, "other.yaml").succeeded()
        assert named.stdout == worker.command(command, "--routes", "other.yaml").succeeded().stdout

    @pytest.mark.parametrize("command", ["check", "schema", "run", "doctor", "dev"])
    def test_twice(self, command, worker):
        assert "name one file" in worker.command(command, "a.yaml", "--routes", "b.yaml").failed().stderr

    @pytest.mark.parametrize(
        "command",
        [
            ["check"],
            ["run"],
            ["schema"],
            ["doctor"],
            ["send", EXAMPLES / "item-awarded.json"],
            ["dead-letters", "list"],
            ["prizes", "import", EXAMPLES / "catalog.yaml"],
            ["prizes", "holdings", "--user", "1"],
        ],
        ids=lambda command: " ".join(map(str, command[:2])),
    )
    def test_one_that_is_not_there_gives_78(self, command, worker):
        missing = worker.command(*command, "--routes", "elsewhere.yaml")
        assert missing.code == 78
        assert "elsewhere.yaml:1:1: there is no such file" in missing.output
