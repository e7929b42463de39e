"""The JSON Schemas of `schemas/`: made by `worker schema`, and of one mind with the worker."""

import json
from pathlib import Path
from random import Random

import pytest
from jsonschema import Draft202012Validator

from support.events import CATALOG, COIN, EXAMPLES, MIRA, UNLINKED, account_linked, character, item
from support.prizes import Prizes

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = ROOT / "schemas"
EVENT = json.loads((SCHEMAS / "event.schema.json").read_text())


def accepts(event, schema=EVENT):
    return Draft202012Validator(schema).is_valid(event)


@pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
def test_the_files_are_what_the_worker_prints(worker):
    folder = worker.folder / "schemas"
    # The routes file's queue needs an URL; its schemas do not.
    del worker.environment["AWS_SQS_QUEUE_URL"]
    worker.command("schema", "--routes", ROOT / "routes.yaml", "--output", folder).succeeded()
    made, kept = ({path.name: path.read_text() for path in place.iterdir()} for place in (folder, SCHEMAS))
    assert made == kept, "run: worker schema --output schemas"
    printed = worker.command("schema", "--routes", ROOT / "routes.yaml").succeeded()
    assert json.loads(printed.stdout) == EVENT
    assert printed.stderr == "", "the types of this worker's own events leave nothing open"


@pytest.mark.parametrize("path", sorted(SCHEMAS.iterdir()), ids=lambda path: path.name)
def test_each_is_a_schema_and_its_examples_are_right(path):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)

    def check(part):
        if isinstance(part, dict):
            for example in part.get("examples", []):
                assert accepts(example, part), f"{example} is refused by {part}"
            part = part.values()
        for value in part if not isinstance(part, (str, int, float, type(None))) else []:
            check(value)

    check(schema)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_the_examples_are_good_events(path):
    event = json.loads(path.read_text())
    assert accepts(event)
    assert accepts(event, json.loads((SCHEMAS / f"{event['eventType']}.schema.json").read_text()))


PIECES = ["0", "1", "42", "9" * 19, "9" * 21, "a", "é", "🎲", "\ue000", " ", "\t", "\n", "\u00a0", "\u3000", "\u2028"]
PIECES += ["\u200b", "\u202e", "\ufeff", "\x00", "\x85", "\u00ad", "+", "-", "٣", "４", "x" * 64, "y" * 65]
OTHERS = [None, True, False, 0, 1, -1, 1.0, 1.5, 5.0, 1e2, 10**9, 10**9 + 1, 2**63, 10**30, "", "1", [], ["1"], {}]


def drawn_event(random):
    """A good event with nothing to three things changed."""
    event = random.choice([item(), character(MIRA), account_linked(UNLINKED, "alice")])
    event = dict(event)
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        field = random.choice([*event, "quantity", "note"])
        change = random.randrange(4)
        if change == 0:
            event.pop(field, None)
        elif change == 1:
            event[field] = random.choice(OTHERS)
        else:
            event[field] = "".join(random.choices(PIECES, k=random.choice([1, 1, 2, 3])))
    return event


# What the patterns of JSON Schema cannot say everywhere: such an event is refused by the worker alone.
BEYOND = {
    "an id that does not fit in 64 bits": item(user="18446744073709551616"),
    "a formatting character beyond U+FFFF": item(type="a\U000e0001b"),
    "a character that is not assigned": item(type="a\u0378b"),
}


def beyond(event):
    ids = (event.get(name) for name in ("discordGuildId", "discordUserId"))
    return any(isinstance(id, str) and id.isascii() and id.isdigit() and int(id) >= 2**64 for id in ids)


@pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
class TestTheWorker:
    @pytest.fixture
    def verdicts(self, worker, queue):
        """Whether the worker takes each event for one of those that it knows."""

        def judge(events):
            Prizes(worker).import_catalog(CATALOG)
            ids = [queue.send(json.dumps(event)) for event in events]
            worker.run_until_empty()
            failures = {letter.failure["messageId"]: letter.failure for letter in queue.dead_letters()}
            return [failures.get(id, {}).get("kind") != "validation" for id in ids]

        return judge

    def test_is_of_one_mind_with_the_schema(self, verdicts, pytestconfig):
        random = Random(pytestconfig.getoption("seed"))
        drawn = [event for event in (drawn_event(random) for _ in range(500)) if not beyond(event)]
        judged = [accepts(event) for event in drawn]
        assert 100 < sum(judged) < len(judged) - 100, "both kinds are drawn"
        differing = [
            f"the worker {'takes' if took else 'refuses'} {json.dumps(event)[:300]}"
            for event, good, took in zip(drawn, judged, verdicts(drawn), strict=True)
            if good != took
        ]
        assert not differing, "\n".join(differing)

    def test_refuses_what_the_schema_cannot_say(self, verdicts):
        assert all(map(accepts, BEYOND.values()))
        assert verdicts(list(BEYOND.values())) == [False] * len(BEYOND)

    def test_takes_one_for_a_missing_quantity(self, verdicts):
        event = {name: value for name, value in item(type=COIN).items() if name != "quantity"}
        assert accepts(event) and verdicts([event]) == [True]
