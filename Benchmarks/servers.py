"""Servers under measurement: started on a core of their own, and asked of the system what they cost."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Before anything is pinned. The server's core and the load generator's; one and the same where there is only one.
_allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else None
CORES = (_allowed[0], _allowed[-1]) if _allowed else None


class Server:
    """A server that prints its address once it listens. Its output goes to a file, for a pipe would fill up."""

    def __init__(self, command, deadline=60.0):
        self._log = tempfile.TemporaryFile()
        pin(CORES and CORES[0])  # What starts now inherits it, with every thread it will have.
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        finally:
            pin(CORES and CORES[1])
        self.port = self._wait_for_address(deadline)

    @classmethod
    def local(cls, binary, data, *options):
        return cls([str(binary), "local-queue", "--host", "127.0.0.1", "--port", "0", "--data", str(data), *options])

    @classmethod
    def moto(cls):
        return cls([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_seconds(self):
        """Of all its threads since it started; None where the system does not say."""
        stat = _proc(self._process.pid, "stat")
        if stat is None:
            return None
        # The name, in parentheses, may contain spaces: count from behind it.
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Resident bytes now and at most until now; None twice where the system does not say."""
        return memory_of(self._process.pid)

    def _wait_for_address(self, deadline):
        end = time.monotonic() + deadline
        while True:
            found = re.search(r"http://127\.0\.0\.1:(\d+)\b", self.log())
            if found:
                return int(found[1])
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                command = " ".join(self._process.args)
                raise SystemExit(f"did not start: {command}\n{self.log()}")
            time.sleep(0.02)

    def log(self, last=4000):
        # Not by seek and read: the server writes at the same position of the same file.
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")[-last:]


def pin(core):
    """This thread, and what it starts, stays on that core; None where the system has no such thing."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def memory_of(pid):
    """Resident bytes of a process now and at most until now; None twice where the system does not say."""
    found = re.findall(r"^Vm(HWM|RSS):\s+(\d+) kB", _proc(pid, "status") or "", re.M)
    sizes = {name: 1024 * int(size) for name, size in found}
    return sizes.get("RSS"), sizes.get("HWM")


def private_memory_of(pid):
    """Bytes that a process has written to and that are its own, a page that it shares in part: Linux's Pss_Dirty; None elsewhere."""
    found = re.search(r"^Pss_Dirty:\s+(\d+) kB", _proc(pid, "smaps_rollup") or "", re.M)
    return 1024 * int(found[1]) if found else None


def _proc(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return None  # There is no /proc, or the process has ended.


def size_of(folder):
    """Bytes of the files in it."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def sync_time(folder, times=50):
    """Seconds that this disk takes to make a small write durable: the median. It bounds what a durable queue can do."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return sorted(took)[times // 2]
