"""What is deployed, as text: nothing is started here but what one can start without Docker, systemd or a cluster."""

import re
import subprocess
from pathlib import Path

import pytest

from support.deployment import seconds


@pytest.fixture(scope="session")
def root():
    return Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shutdown_deadline(binary):
    """How long the worker itself waits for handlers, in seconds: the default that its help names."""
    help = subprocess.run([binary, "run", "--help"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"--shutdown-deadline <duration>\s+How.*?\(default:\s+(\S+?)\)", help, re.DOTALL)
    assert found, help
    return seconds(found[1])
