"""What tracing costs the worker: messages a second and CPU a message with tracing off, at 1 % and at 100 %.

They take turns, so that whatever else the machine does slows down all of them alike. The handler is that of ITEM_AWARDED,
which grants an item in SQLite, in memory where that can be had; the queue is the local one, and a collector beside it
takes everything.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from load import Load
from servers import CORES, Server

ROOT = Path(__file__).resolve().parents[1]
VARIANTS = {
    "off": None,
    "1 %": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
    "100 %": {},
    "100 %, gzip": {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
}


class Collector:
    """Takes every export, and counts the bytes."""

    def __init__(self):
        self.received = 0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.received += len(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def run(arguments, load, port, collector, variables, folder):
    """One worker that handles all there is; returns messages a second, and CPU microseconds a message."""
    load.fill(arguments.messages, lambda _: None)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_SQS_QUEUE_URL": f"http://127.0.0.1:{port}/000000000000/bench-tracing",
        **({} if variables is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, **variables}),
    }
    before = collector.received
    with open(folder / "worker.log", "ab") as log:
        worker = subprocess.Popen(
            [arguments.binary, "run", "--until-empty", "--log-level", "warning", "--routes", folder / "routes.yaml"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        begin = left = None
        while left != 0:
            left = load.depth()
            if begin is None and left < arguments.messages:
                begin, first = time.perf_counter(), left
            end = time.perf_counter()
            if worker.poll() is not None and left:
                sys.exit(f"the worker ended early\n{(folder / 'worker.log').read_text()[-2000:]}")
            time.sleep(0.02)
        _, status, usage = os.wait4(worker.pid, 0)
        worker.returncode = os.waitstatus_to_exitcode(status)
    if worker.returncode:
        sys.exit(f"the worker failed\n{(folder / 'worker.log').read_text()[-2000:]}")
    if "dropped" in (folder / "worker.log").read_text():
        sys.exit("spans were dropped, so their cost was not measured")
    cpu = usage.ru_utime + usage.ru_stime
    return first / (end - begin), cpu / arguments.messages * 1e6, (collector.received - before) / arguments.messages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="in each run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="figures are medians of so many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--binary", type=Path, default=ROOT / ".build-release/release/worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.messages < 10 or arguments.messages % 10:
        parser.error("--messages is in tens: that is how messages are sent")
    arguments.binary = arguments.binary.resolve()

    collector = Collector()
    found = {name: [] for name in VARIANTS}
    # In memory where that can be had: beside a disk that commits are synced to, tracing would seem to cost nothing.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="bench-") as name:
        folder = Path(name)
        routes = (ROOT / "routes.yaml").read_text().replace("maxMessages: 5 ", "maxMessages: 10")
        (folder / "routes.yaml").write_text(routes)
        body = (ROOT / "Examples/item-awarded.json").read_text().strip()
        catalog = [arguments.binary, "prizes", "import", ROOT / "Examples/catalog.yaml", "--routes", "routes.yaml"]
        subprocess.run(catalog, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with Server.local(arguments.binary, folder / "queue", "--no-sync") as server:
            load = Load(server.port, "bench-tracing", 8, body)
            for number in range(arguments.rounds + 1):
                for name, variables in VARIANTS.items():
                    print(f"round {number} of {arguments.rounds}: {name}", file=sys.stderr, flush=True)
                    figures = run(arguments, load, server.port, collector, variables, folder)
                    if number:  # The first warms up.
                        found[name].append(figures)

    report = {
        name: dict(zip(("messages_per_second", "cpu_us_per_message", "bytes_per_message"), map(statistics.median, zip(*runs))))
        for name, runs in found.items()
    }
    if arguments.json:
        return print(json.dumps(report, indent=2))
    place = "the queue on one core, the worker and the collector on another" if CORES else "not pinned to cores"
    print(f"{arguments.messages:,} messages a run, medians of {arguments.rounds} runs; {place}\n")
    print(f"{'tracing':14}{'messages/s':>12}{'of off':>9}{'CPU µs/message':>16}{'more':>8}{'bytes sent/message':>20}")
    off = report["off"]
    for name, row in report.items():
        rate, cpu = row["messages_per_second"], row["cpu_us_per_message"]
        print(
            f"{name:14}{rate:12,.0f}{rate / off['messages_per_second']:9.1%}{cpu:16,.1f}"
            f"{cpu - off['cpu_us_per_message']:8,.1f}{row['bytes_per_message']:20,.0f}"
        )


if __name__ == "__main__":
    main()
