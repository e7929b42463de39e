"""The systemd unit. It is not started: systemd is asked what it thinks of it, where systemd is."""

import re
import shutil
import subprocess

import pytest

from support.deployment import PORT, admin_address, seconds

EXPOSURE = 2.0
"""Of ten; systemd calls all below 2.0 "OK" and better."""


@pytest.fixture(scope="module")
def path(root):
    return root / "deploy/systemd/queue-worker.service"


@pytest.fixture(scope="module")
def unit(path):
    """Its settings; the last of each counts."""
    return dict(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE))


def test_a_stop_has_its_time(unit, shutdown_deadline):
    assert unit["KillSignal"] == "SIGTERM"
    assert seconds(unit["TimeoutStopSec"]) > shutdown_deadline


def test_a_wrong_configuration_is_not_tried_again(unit):
    # EX_CONFIG; `worker run --help` names it.
    assert unit["Restart"] == "on-failure" and "78" in unit["RestartPreventExitStatus"].split()


def test_it_is_open_to_this_machine_alone(unit):
    assert admin_address(unit["ExecStart"]) == ("127.0.0.1", PORT)


def test_its_database_is_where_it_may_write(unit, path):
    database = re.search(r"PRIZE_DATABASE=sqlite:(\S+)", path.read_text())[1]
    assert unit["ProtectSystem"] == "strict"
    assert database.startswith(f"/var/lib/{unit['StateDirectory']}/")


def analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze here: `apt-get install systemd`")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


def test_systemd_understands_all_of_it(path, tmp_path, binary):
    # It looks whether the program is there.
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace("/usr/local/bin/worker", binary))
    verified = analyze("verify", "--man=no", copy)
    said = [line for line in verified.stderr.splitlines() if path.name in line]
    assert not said and verified.returncode == 0, verified.stderr


def test_systemd_finds_little_that_it_could_do(path):
    found = analyze("security", "--offline=yes", path)
    score = re.search(r"Overall exposure level for .*: ([\d.]+)", found.stdout)
    assert score and float(score[1]) < EXPOSURE, found.stdout + found.stderr
