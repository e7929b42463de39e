"""How much memory a process holds, where the system says so."""

import time
from pathlib import Path

import pytest


def resident_kilobytes(pid):
    """None where the process is gone."""
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), None)


def resident_megabytes(pid):
    kilobytes = resident_kilobytes(pid)
    return None if kilobytes is None else kilobytes // 1024


class Curve:
    """The memory of a process, over the messages that it has handled."""

    def __init__(self, pid):
        self.points = []
        """How many messages, how many seconds after the beginning, how many kilobytes."""
        self._pid = pid
        self._began = time.monotonic()

    def add(self, handled):
        kilobytes = resident_kilobytes(self._pid)
        if kilobytes is not None:
            self.points.append((handled, time.monotonic() - self._began, kilobytes))
        return kilobytes

    def between(self, first, last):
        """The median of what was seen there, which one request or one collection of the moment does not move."""
        seen = sorted(kilobytes for handled, _, kilobytes in self.points if first <= handled <= last)
        assert seen, f"nothing was seen between {first} and {last} messages"
        return seen[len(seen) // 2]
