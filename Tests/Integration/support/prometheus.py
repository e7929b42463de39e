"""Prometheus and promtool: the system's, or those that `scripts/setup.sh venv` has fetched."""

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from support import wait_until

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "observability"


def tool(name):
    """Its path; skips the test where it is not to be had."""
    path = shutil.which(name) or shutil.which(name, path=ROOT / ".prometheus/usr/bin")
    if path is None:
        pytest.skip(f"{name} is not here, and could not be fetched; install Debian's package prometheus")
    return path


def promtool(*arguments, input=None, folder=RULES):
    done = subprocess.run(
        [tool("promtool"), *arguments], input=input, cwd=folder, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


class Prometheus:
    """Scrapes one target every two seconds, on a free port."""

    def __init__(self, folder, target):
        (folder / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "2s", "evaluation_interval": "1s"},
                    "rule_files": [str(RULES / "prometheus-rules.yaml")],
                    "scrape_configs": [
                        {"job_name": "worker", "static_configs": [{"targets": [target.removeprefix("http://")]}]}
                    ],
                }
            )
        )
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    tool("prometheus"),
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    "--web.listen-address=127.0.0.1:0",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.port = wait_until(self._port, "prometheus listens")
        # It listens for a while before it answers queries.
        wait_until(self._is_ready, "prometheus is ready", deadline=120)

    def query(self, expression):
        """The values of an instant query, by their labels."""
        results = self._get("query", query=expression)["result"]
        return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in results}

    def targets(self):
        return self._get("targets")["activeTargets"]

    def close(self):
        self.process.terminate()
        self.process.wait()

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=30) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def _get(self, what, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{what}?{query}", timeout=30) as answer:
            return json.load(answer)["data"]

    def _port(self):
        """That it took for 0, by its open sockets: it does not say."""
        assert self.process.poll() is None, self.log.read_text(errors="replace")
        inodes = set()
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                inodes.add(descriptor.readlink().name)
            except OSError:
                continue
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{self.process.pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                    return int(fields[1].rsplit(":", 1)[1], 16)
        return None
