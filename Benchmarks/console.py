"""What the console costs the worker: messages a second and CPU a message without it, with nobody who looks, and open in two
browsers that watch the overview and the flow. And how long 10,000 dead letters take to open, and how much memory.

The browsers open and close the console each second or so of one run: each second with them is compared with the one before it, in which
nobody looked, so that whatever else the machine does slows down both alike. Workers without a console take turns with those that have
one. The handler is that of ITEM_AWARDED, which grants an item in SQLite, in memory where that can be had, and in a new database each
time, for the more it has the longer it takes; the queue is the local one.
"""

import argparse
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from load import Load
from servers import CORES, Server

ROOT = Path(__file__).resolve().parents[1]
SERVED = re.compile(r"metrics and health are served[^\n]*?http://([^\s\"]+:\d+)")
LIVE = ["/live/overview", "/live/flow"]
GOALS = {"share": 0.97, "seconds": 3.0, "megabytes": 200}
LETTERS = 10_000
OPENING = 0.1
"""The share of the messages in whose time the worker starts, and renders its first page, which is not measured."""
WINDOW = 1.0
"""For how many seconds browsers look, or nobody does."""


class Viewer:
    """A page that is open in a browser: reads what comes, until it ends."""

    def __init__(self, address, path):
        self.events = 0
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._connection.request("GET", path)
        self._stream = self._connection.getresponse()
        if self._stream.status != 200:
            sys.exit(f"{path}: {self._stream.status}")
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        if not self.events:
            sys.exit("a browser saw nothing")
        self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _read(self):
        try:
            while line := self._stream.readline():
                self.events += line.startswith(b"event: part")
        except (OSError, ValueError, http.client.HTTPException):
            pass


def start(arguments, port, folder, *options):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_SQS_QUEUE_URL": f"http://127.0.0.1:{port}/000000000000/bench-console",
    }
    log = folder / "worker.log"
    log.write_text("")
    command = [arguments.binary, "run", "--log-level", "warning,worker.admin=notice", "--routes", folder / "routes.yaml"]
    with open(log, "ab") as output:
        return subprocess.Popen(
            [*command, *options], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def address_of(worker, folder):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := SERVED.search((folder / "worker.log").read_text()):
            return found[1]
        if worker.poll() is not None:
            break
        time.sleep(0.02)
    sys.exit(f"the worker serves no console\n{(folder / 'worker.log').read_text()[-2000:]}")


def run(arguments, load, port, folder, has_console):
    """One worker that handles all there is; returns messages a second and CPU microseconds a message of each window, in pairs where it
    has a console: while nobody looks, and then while it is open in two browsers."""
    for file in folder.glob("prizes.db*"):
        file.unlink()
    catalog = [arguments.binary, "prizes", "import", ROOT / "Examples/catalog.yaml", "--routes", "routes.yaml"]
    subprocess.run(catalog, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    load.fill(arguments.messages, lambda _: None)
    worker = start(arguments, port, folder, "--until-empty", *(["--admin", "0"] if has_console else []))
    address = address_of(worker, folder) if has_console else None
    viewers = [Viewer(address, path) for path in LIVE] if has_console else []
    windows, began = [], None
    while left := load.depth():
        if worker.poll() is not None:
            sys.exit(f"the worker ended early\n{(folder / 'worker.log').read_text()[-2000:]}")
        now = time.perf_counter()
        if left < arguments.messages * (1 - OPENING) and (began is None or now - began[0] > WINDOW):
            used = processor_time(worker)
            if began is not None:
                handled = began[1] - left
                windows.append((handled / (now - began[0]), (used - began[2]) / handled * 1e6))
            for viewer in viewers:
                viewer.close()
            viewers = [Viewer(address, path) for path in LIVE] if has_console and len(windows) % 2 else []
            began = now, left, used
        time.sleep(0.02)
    if worker.wait():
        sys.exit(f"the worker failed\n{(folder / 'worker.log').read_text()[-2000:]}")
    return windows


def processor_time(worker):
    """In seconds, since it began."""
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    # Of 52 fields, user's and system's are the 14th and 15th; after the name, the second field, they are the 12th and 13th.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_letters(arguments, port, folder):
    """How long the page of so many dead letters takes, and how much memory the worker has more after it."""
    letters = Load(port, "bench-console-dead-letters", 8, '{"eventType": "NOBODY_TAKES_THIS", "number": 12345}')
    arn = "arn:aws:sqs:us-east-1:000000000000:bench-console-dead-letters"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    url = letters.call("GetQueueUrl", {"QueueName": "bench-console"})["QueueUrl"]
    letters.call("SetQueueAttributes", {"QueueUrl": url, "Attributes": {"RedrivePolicy": policy}})
    letters.fill(LETTERS, lambda _: None)
    worker = start(arguments, port, folder, "--admin", "0")
    with ExitStack() as stack:
        stack.callback(worker.wait)
        stack.callback(worker.terminate)
        address = address_of(worker, folder)
        ready = time.monotonic() + 30
        while get(address, "/health/ready")[0] != 200 and time.monotonic() < ready:
            time.sleep(0.05)
        before = resident(worker)
        begin = time.perf_counter()
        # A page that is not ready in three seconds says how far it is, and asks again.
        while True:
            _, page = get(address, "/dead-letters")
            if f"{LETTERS:,} dead letters in".encode() in page:
                break
            if time.perf_counter() - begin > 60:
                sys.exit(f"the letters are not shown\n{page.decode()[:3000]}")
        seconds = time.perf_counter() - begin
        return seconds, resident(worker) - before


def get(address, path):
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def resident(worker):
    """In MiB."""
    [line] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{worker.pid}/status").read_text())
    return int(line) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=150_000, help="in each run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="so many runs of each kind (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--binary", type=Path, default=ROOT / ".build-release/release/worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.messages < 10 or arguments.messages % 10:
        parser.error("--messages is in tens: that is how messages are sent")
    arguments.binary = arguments.binary.resolve()

    alone, pairs = [], []
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="bench-") as name:
        folder = Path(name)
        routes = (ROOT / "routes.yaml").read_text().replace("maxMessages: 5 ", "maxMessages: 10")
        (folder / "routes.yaml").write_text(re.sub(r"(?m)^admin:.*\n(?:[ \t].*\n)*", "", routes))
        body = (ROOT / "Examples/item-awarded.json").read_text().strip()
        with Server.local(arguments.binary, folder / "queue", "--no-sync") as server:
            load = Load(server.port, "bench-console", 8, body)
            for number in range(1, arguments.rounds + 1):
                for has_console in (False, True):
                    what = "with a console" if has_console else "without one"
                    print(f"round {number} of {arguments.rounds}: {what}", file=sys.stderr, flush=True)
                    windows = run(arguments, load, server.port, folder, has_console)
                    if has_console:
                        pairs += zip(windows[::2], windows[1::2])
                    else:
                        alone += windows
            seconds, megabytes = measure_letters(arguments, server.port, folder)

    if not alone or not pairs:
        sys.exit("they were handled within two seconds: --messages must be more")
    unseen, seen = zip(*pairs)
    report = {
        name: dict(zip(("messages_per_second", "cpu_us_per_message"), map(statistics.median, zip(*windows))))
        for name, windows in (("no console", alone), ("nobody looks", unseen), ("open in two browsers", seen))
    }
    report["open in two browsers"]["share"] = statistics.median(with_[0] / without[0] for without, with_ in pairs)
    report["10,000 dead letters"] = {"seconds": seconds, "more_megabytes": megabytes}
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report, arguments)
    share = report["open in two browsers"]["share"]
    if share < GOALS["share"] or seconds > GOALS["seconds"] or megabytes > GOALS["megabytes"]:
        sys.exit(f"a goal is missed: {GOALS}")


def show(report, arguments):
    place = "the queue on one core, the worker and its viewers on another" if CORES else "not pinned to cores"
    print(f"{arguments.messages:,} messages a run, medians of the seconds of {arguments.rounds} runs; {place}\n")
    print(f"{'console':22}{'messages/s':>12}{'CPU µs/message':>16}")
    for name in ("no console", "nobody looks", "open in two browsers"):
        row = report[name]
        print(f"{name:22}{row['messages_per_second']:12,.0f}{row['cpu_us_per_message']:16,.1f}")
    share = report["open in two browsers"]["share"]
    print(f"\nopen in two browsers it handles {share:.1%} of what it does in the second before, in which nobody looks")
    letters = report["10,000 dead letters"]
    print(f"10,000 dead letters are shown in {letters['seconds']:.2f} s, with {letters['more_megabytes']:.0f} MiB more")


if __name__ == "__main__":
    main()
