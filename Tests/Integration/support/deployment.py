"""What the ways to deploy the worker share, told so that they can be compared."""

import re

ADMIN = re.compile(r"--admin[\s\"',]+(?:(?P<host>[\d.]+):)?(?P<port>\d+)")
PORT = 9464
"""Of metrics and health. Whoever changes it changes it in the Dockerfile, compose.yaml, the unit and the manifests."""


def seconds(duration):
    """Of `30s`, `500ms`, `5m` or `45`."""
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m|h|)", str(duration)).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}[unit]


def admin_address(command):
    """Where a command line serves metrics and health: the host and the port."""
    found = ADMIN.search(command if isinstance(command, str) else " ".join(command))
    assert found, f"no --admin in {command}"
    return found["host"], int(found["port"])
