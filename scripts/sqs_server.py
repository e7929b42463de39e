"""Other people's SQS-compatible servers, to test with.

    sqs_server.py moto|ministack|localstack COMMAND...     run COMMAND beside the server, then stop the server

COMMAND finds the server in SQS_TEST_ENDPOINT; its exit code is the exit code. Only 127.0.0.1 is bound. `make` runs this
with a Python that has the server.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ports import free_port

HOST = "127.0.0.1"


class Server:
    """A server in a process of its own, ready once `start` returns."""

    def __init__(self, name="moto"):
        self.name = name
        self.endpoint = None
        self._process = None
        self._log = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, attempts=3):
        for _ in range(attempts):
            port = free_port()
            # Someone else can be faster to take that port.
            if self._start_on(port):
                self.endpoint = f"http://{HOST}:{port}"
                return
        raise SystemExit(f"{self.name} did not start:\n{self.log()}")

    def _start_on(self, port, deadline=60.0):
        self.stop()
        command, environment = _command(self.name, port)
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **environment},
            stdout=self._log,
            stderr=self._log,
            # Ctrl-C reaches the whole foreground group; the server must outlive the command that uses it.
            start_new_session=True,
        )
        end = time.monotonic() + deadline
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
                # Whoever answers might be a stranger, while our own server is about to fail to bind.
                time.sleep(0.05)
                return self._process.poll() is None
            time.sleep(0.05)
        return False

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def log(self, last=4000):
        if not self._log:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-last:]


def _command(name, port):
    """What Python runs, and what it takes from the environment."""
    if name == "moto":
        return [str(Path(__file__).with_name("moto_server.py")), "-H", HOST, "-p", str(port)], {}
    if name == "ministack":
        return ["-m", "ministack"], {"BIND_HOST": HOST, "GATEWAY_PORT": str(port)}
    if name == "localstack":
        return ["-m", "localstack.runtime.main"], {
            "SERVICES": "sqs",
            "STRICT_SERVICE_LOADING": "1",
            "EAGER_SERVICE_LOADING": "1",
            "DNS_ADDRESS": "0",
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "SQS_ENDPOINT_STRATEGY": "off",
            # Its other servers bind every interface.
            "GATEWAY_SERVER": "hypercorn",
            "GATEWAY_LISTEN": f"{HOST}:{port}",
        }
    raise SystemExit(f"{name} is no server that I know; choose moto, ministack or localstack")


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    with Server(sys.argv[1]) as server:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        process = subprocess.Popen(
            sys.argv[2:],
            env={**os.environ, "SQS_TEST_ENDPOINT": server.endpoint},
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM]),
        )
        # The terminal sends Ctrl-C to the command as well: it decides when to end. A SIGTERM comes to us alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        code = process.wait()
    sys.exit(128 - code if code < 0 else code)


if __name__ == "__main__":
    main()
