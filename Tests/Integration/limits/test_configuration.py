"""What is wrong with a limit is reported with its place."""

import json
from types import SimpleNamespace

import pytest

YAML = """\
version: 1
queues: {{ bot: {{ url: "${{AWS_SQS_QUEUE_URL}}" }} }}
limits:
  discord:
    {limit}
routes:
  WON:
    handler: http.post
    limit: {name}
    with: {{ url: https://bot.example/ }}
"""


@pytest.fixture
def queue():
    """Nobody calls it, so no server is started."""
    return SimpleNamespace(url="http://127.0.0.1:9/000000000000/nowhere")


def check(worker, limit, name="discord"):
    return worker.command("check", "--routes", worker.write_routes(YAML.format(limit=limit, name=name)))


def test_a_good_limit(worker):
    check(worker, "{ rate: 40/s, burst: 40, concurrency: 8, key: discordGuildId }").succeeded()


@pytest.mark.parametrize(
    ("limit", "place", "problem"),
    [
        ("rate: 0/s", "5:11", "limits.discord.rate must be a whole number from 1 to 1000000 for each second, minute or hour"),
        ("rate: 40", "5:11", "such as 40/s, 30/m or 500/h, but it is `40`"),
        ("rate: 40/d", "5:11", "such as 40/s, 30/m or 500/h"),
        ("burst: 4", "5:5", "limits.discord needs `rate`"),
        ("{ rate: 1/s, burst: 0 }", "5:25", "limits.discord.burst must be from 1 to 1000000"),
        ("{ rate: 1/s, concurrency: 0 }", "5:31", "limits.discord.concurrency must be from 1 to 10000"),
        ("{ rate: 1/s, key: guild..id }", "5:23", "limits.discord.key must be a field of the event"),
        ("{ rate: 1/s, bursts: 5 }", "5:18", "unknown key `bursts` in limits.discord; did you mean `burst`?"),
        ("{ rate: [40/s] }", "5:13", "but it is a list"),
    ],
)
def test_a_wrong_limit(worker, limit, place, problem):
    checked = check(worker, limit).failed()
    assert f"routes.yaml:{place}: " in checked.stderr and problem in checked.stderr
    assert "unknown limit" not in checked.stderr, "its name is right"


def test_a_route_that_names_no_limit(worker):
    checked = check(worker, "rate: 40/s", name="dicsord").failed()
    assert "routes.yaml:9:12: unknown limit `dicsord` in routes.WON; did you mean `discord`?" in checked.stderr


def test_the_schema_knows_them(worker):
    schema = json.loads(worker.command("schema", "--configuration").succeeded().stdout)
    limit = schema["properties"]["limits"]["additionalProperties"]
    assert limit["properties"].keys() == {"rate", "burst", "concurrency", "key"}
    assert limit["required"] == ["rate"] and limit["additionalProperties"] is False
    assert "limit" in schema["properties"]["routes"]["additionalProperties"]["properties"]
