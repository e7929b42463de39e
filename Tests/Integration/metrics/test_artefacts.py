"""What is shipped with the metrics: alert rules and a dashboard that name nothing which is not there."""

import json
import re
from types import SimpleNamespace

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from support.admin import Admin
from support.prometheus import ROOT, RULES, promtool

DASHBOARD = json.loads((RULES / "grafana-dashboard.json").read_text())


@pytest.fixture
def queue():
    """Nobody is there: what is exposed from the start needs no queue."""
    return SimpleNamespace(url="http://127.0.0.1:9/000000000000/nowhere")


@pytest.fixture
def exposed(worker):
    """The names of all series that the worker describes."""
    admin = Admin(worker.start("--admin", "0"))
    suffixes = {"histogram": ["_bucket", "_sum", "_count"], "counter": [""], "gauge": [""]}
    types = re.findall(r"^# TYPE (\S+) (\S+)$", admin.exposition(), re.MULTILINE)
    return {name + suffix for name, kind in types for suffix in suffixes[kind]}


def expressions(node):
    """Every query in a dashboard."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "query") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def named(text):
    """The metrics in a query, and not its labels."""
    text = re.sub(r"\b(by|on|without)\s*\([^)]*\)", "", re.sub(r"\{[^}]*\}", "", text))
    text = re.sub(r",\s*\w+\)$", ")", text) if text.startswith("label_values") else text
    return set(re.findall(r"\b(?:worker|messaging|process)_[a-z_]+\b", text))


def test_the_rules_are_valid():
    code, said = promtool("check", "rules", "prometheus-rules.yaml")
    assert code == 0, said


def test_each_alert_fires_when_it_should_and_else_not():
    code, said = promtool("test", "rules", "prometheus-rules.test.yaml")
    assert code == 0, said


def test_the_rules_name_metrics_that_are_there(exposed):
    rules = (RULES / "prometheus-rules.yaml").read_text()
    queries = re.findall(r"expr: (?:>-\n)?((?:.+\n)(?:          .+\n)*)", rules)
    assert len(queries) == rules.count("alert:")
    assert set().union(*map(named, queries)) - exposed == set()


def test_the_dashboard_names_metrics_that_are_there(exposed):
    queries = [query for query in expressions(DASHBOARD) if query != "prometheus"]
    assert len(queries) > 20
    assert set().union(*map(named, queries)) - exposed == set()


def test_grafana_reads_all_of_the_dashboard():
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))

    def missing(given, found, path):
        if isinstance(given, dict):
            for key, value in given.items():
                yield from missing(value, found[key], f"{path}/{key}") if key in found else [f"{path}/{key}"]
        elif isinstance(given, list):
            for number, (value, other) in enumerate(zip(given, found)):
                yield from missing(value, other, f"{path}/{number}")
        elif given != found:
            yield f"{path}: {given} became {found}"

    assert list(missing(DASHBOARD, read, "")) == []


def test_the_dashboard_shows_every_metric_of_the_worker(exposed):
    shown = set().union(*map(named, expressions(DASHBOARD)))
    unseen = {name for name in exposed if not name.endswith(("_sum", "_count"))} - shown
    assert unseen <= {"process_start_time_seconds", "process_virtual_memory_bytes"}


def test_the_documentation_has_every_metric_and_no_other(exposed):
    section = (ROOT / "docs/observability.md").read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert documented == {name.removesuffix("_bucket") for name in exposed if not name.endswith(("_sum", "_count"))}
