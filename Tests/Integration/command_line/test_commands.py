"""The names of commands: one that there is not is never taken for another, and the nearest is named."""

import re

import pytest


@pytest.fixture
def queue():
    """Nobody calls it, so no server is started."""

    class NoQueue:
        url = "http://127.0.0.1:9/000000000000/none"

    return NoQueue()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["hlep"], "help"),
        (["rnu"], "run"),
        (["Doctor"], "doctor"),
        (["help", "chek"], "check"),
        (["chek", "--help"], "check"),
        (["local-queu", "--port", "0"], "local-queue"),
        (["dead-letters", "lst", "--kind", "notFound"], "list"),
        (["help", "dead-letters", "redirve"], "redrive"),
        (["prizes", "holdigns", "--user", "1"], "holdings"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistyped_command_is_told_the_nearest(arguments, meant, worker):
    finished = worker.command(*arguments)
    assert finished.code == 64
    assert f"did you mean `{meant}`?" in finished.stderr
    assert finished.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["holdings", "--user", "1"], "worker prizes holdings"),
        (["holdigns"], "worker prizes holdings"),
        (["redrive", "--all"], "worker dead-letters redrive"),
        (["list"], "worker dead-letters list"),
        (["prizes", "doctor"], "worker doctor"),
        (["dead-letters", "import"], "worker prizes import"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_of_another_command_is_told_with_its_path(arguments, meant, worker):
    finished = worker.command(*arguments)
    assert finished.code == 64
    assert f"did you mean `{meant}`?" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["prizes", "holdings", "--usr", "1"], "--user"),
        (["prizes", "holdings", "--usr=1"], "--user"),
        (["prizes", "import", "--route", "x"], "--routes"),
        (["run", "--until-emtpy"], "--until-empty"),
        (["check", "--jsno"], "--json"),
        (["doctor", "--jsn"], "--json"),
        (["send", "event.json", "--idempotencykey", "x"], "--idempotency-key"),
        (["schema", "--outptu", "x"], "--output"),
        (["dev", "--prot", "0"], "--port"),
        (["local-queue", "--dta", "x"], "--data"),
        (["dead-letters", "list", "--limt", "5"], "--limit"),
        (["dead-letters", "show", "--quue", "x"], "--queue"),
        (["dead-letters", "export", "--kinds", "x"], "--kind"),
        (["dead-letters", "redrive", "--dryrun"], "--dry-run"),
        (["dead-letters", "discard", "--yess"], "--yes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistyped_option_is_told_the_nearest(arguments, meant, worker):
    """Though what it stands for is missing."""
    finished = worker.command(*arguments)
    assert finished.code == 64
    assert f"did you mean `{meant}`?" in finished.stderr
    assert finished.stdout == ""


def test_an_option_that_is_near_to_none_is_told_all(worker):
    finished = worker.command("prizes", "holdings", "--frobnicate")
    assert finished.code == 64
    assert "--user" in finished.stderr and "--routes" in finished.stderr


def test_what_follows_two_hyphens_is_no_option(worker):
    assert "--frobnicate" in worker.command("check", "--", "--frobnicate").failed().stderr
    assert worker.command("check", "--", "--frobnicate").code == 78


def test_a_shell_can_complete_what_is_typed(worker):
    assert "worker" in worker.command("--generate-completion-script", "bash").succeeded().stdout


@pytest.mark.parametrize("arguments", [["--version"], ["run", "--version"]], ids=" ".join)
def test_its_version_and_those_of_what_it_runs_on(arguments, worker):
    shown = worker.command(*arguments).succeeded().stdout
    name, *libraries = shown.splitlines()
    assert re.fullmatch(r"worker \d+\.\d+\.\d+", name)
    text = " ".join(libraries)
    for library in [r"libcurl/\d", r"OpenSSL \d", r"SQLite 3\.\d", r"zlib/\d", r"libpq \d+\.\d"]:
        assert re.search(library, text), text


@pytest.mark.parametrize("arguments", [["frobnicate"], ["help", "frobnicate"], ["prizes", "frobnicate"]], ids=" ".join)
def test_one_that_is_near_to_none_is_told_all(arguments, worker):
    finished = worker.command(*arguments)
    assert finished.code == 64
    for name in ["import", "holdings"] if arguments[0] == "prizes" else ["run", "dead-letters", "prizes"]:
        assert name in finished.stderr


@pytest.mark.parametrize(
    "arguments",
    [["help"], ["help", "run"], ["help", "dead-letters", "list"], ["help", "help"], ["run", "--help"], ["--help"], []],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_those_that_there_are_are_shown(arguments, worker):
    assert "USAGE: worker" in worker.command(*arguments).succeeded().stdout


def test_an_argument_that_is_no_command_is_left_to_its_command(worker):
    finished = worker.command("send", "no-such-file.json", "--routes", worker.write_routes())
    assert "no-such-file.json" in finished.failed().stderr
