"""`worker schema --configuration`: a JSON Schema of routes.yaml, for editors."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

PROJECT = Path(__file__).parents[3]

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def schema(worker):
    schema = json.loads(worker.command("schema", "--configuration").succeeded().stdout)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["routes.yaml", "Examples/handlers/routes.yaml"])
def test_it_takes_what_the_worker_takes(schema, name):
    schema.validate(yaml.safe_load((PROJECT / name).read_text()))


@pytest.mark.parametrize(
    "route",
    [
        {"handler": "process.run"},
        {"handler": "process.run", "with": {"comand": ["true"]}},
        {"handler": "process.run", "with": {"command": "true"}},
        {"handler": "process.run", "with": {"command": ["true"], "mode": "wroker"}},
        {"handler": "process.run", "with": {"command": ["true"], "retryAfterMax": "soon"}},
        {"handler": "process.rnu"},
        {"handler": "prizes.item", "with": {"command": ["true"]}},
        {"handler": "prizes.item", "timeout": 20},
        {"handler": "prizes.item", "errors": {"permanent": ["validaton"]}},
    ],
)
def test_it_refuses_what_the_worker_refuses(worker, schema, route):
    worker.routes["routes"]["TOLD"] = route
    assert not schema.is_valid(worker.routes)
    assert worker.command("check", worker.write_routes()).code == 78
    worker.routes["routes"]["TOLD"] = {"handler": "process.run", "with": {"command": ["${PROGRAM:-true}"]}}
    schema.validate(worker.routes)
    worker.command("check", worker.write_routes()).succeeded()
