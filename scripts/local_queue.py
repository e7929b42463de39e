"""A local SQS-compatible queue for tests and the demo, on moto's server from PyPI.

    local_queue.py serve [--prefer-port N] -- COMMAND...   run COMMAND beside a server, then stop the server
    local_queue.py create NAME                             make NAME and NAME-dlq; print the URL of NAME
    local_queue.py dead-letters NAME                       show why the messages in NAME-dlq failed

`serve` binds 127.0.0.1 alone. COMMAND finds the server in SQS_TEST_ENDPOINT, and finds a region and credentials that
the server accepts in the usual variables; its exit code is the exit code.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}


class LocalServer:
    """moto's server in a process of its own, ready once `start` returns."""

    def __init__(self, prefer_port=None):
        self.prefer_port = prefer_port
        self.endpoint = None
        self._process = None
        self._log = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, attempts=3):
        port = self.prefer_port
        for _ in range(attempts):
            if not port or not _is_free(port):
                port = _free_port()
            if self._start_on(port):
                self.endpoint = f"http://{HOST}:{port}"
                return
            # Someone else was faster to take that port.
            port = None
        raise SystemExit(f"the local queue did not start:\n{self.log()}")

    def _start_on(self, port, deadline=60.0):
        self.stop()
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)],
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


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def client(endpoint=None):
    """An SQS client of boto3's for the local server."""
    import boto3

    return boto3.client(
        "sqs",
        endpoint_url=endpoint or os.environ["SQS_TEST_ENDPOINT"],
        region_name=ENVIRONMENT["AWS_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


def create_queue(sqs, name, max_receive_count=3, visibility_timeout=30):
    """Makes a queue with a dead-letter queue, and returns the URLs of both; a name in .fifo makes both FIFO."""
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    dead_letters = sqs.create_queue(QueueName=dead_letter_name(name), Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
    attributes = {"VisibilityTimeout": str(visibility_timeout), "RedrivePolicy": json.dumps(redrive), **fifo}
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], dead_letters


def dead_letter_name(name):
    return f"{name.removesuffix('.fifo')}-dlq{'.fifo' if name.endswith('.fifo') else ''}"


def serve(command, prefer_port):
    with LocalServer(prefer_port) as server:
        environment = {**os.environ, **ENVIRONMENT, "SQS_TEST_ENDPOINT": server.endpoint}
        process = subprocess.Popen(command, env=environment)
        # The terminal sends Ctrl-C to the command as well: it decides when to end. A SIGTERM comes to us alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
        return 128 - code if code < 0 else code


def show_dead_letters(name):
    sqs = client()
    url = sqs.get_queue_url(QueueName=dead_letter_name(name))["QueueUrl"]
    messages = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
    ).get("Messages", [])
    if not messages:
        print("nothing is there")
    for message in messages:
        print("body:    " + " ".join(message["Body"].split()))
        failure = message.get("MessageAttributes", {}).get("WorkerFailure")
        print("failure: " + (_pretty(failure["StringValue"]) if failure else "no WorkerFailure attribute"))


def _pretty(text):
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False).replace("\n", "\n         ")
    except ValueError:
        return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    serving = actions.add_parser("serve")
    serving.add_argument("--prefer-port", type=int, help="used where it is free; any free port where it is not")
    serving.add_argument("command", nargs="+")
    for action in ("create", "dead-letters"):
        actions.add_parser(action).add_argument("name")
    arguments = parser.parse_args()

    if arguments.action == "serve":
        sys.exit(serve(arguments.command, arguments.prefer_port))
    elif arguments.action == "create":
        print(create_queue(client(), arguments.name)[0])
    else:
        show_dead_letters(arguments.name)


if __name__ == "__main__":
    main()
