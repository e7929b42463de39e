"""Many letters, and large ones: the commands keep none of them."""

import json
import os
import re
import signal
import subprocess
import uuid

import pytest

from support import takes_at_most, wait_until
from support.queue import Queue
from support.sqs import client, create_queue

LETTERS = 300
SIZE = 200_000


def put(queue, count, size):
    """Letters as large as that, whose event types are all others."""
    for number in range(count):
        body = json.dumps({"eventType": f"TYPE_{number}", "padding": "x" * size})
        queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody=body)


def peak(worker, *arguments):
    """In megabytes, of a command's memory; and what it wrote, but for the progress that a slow one reports as well."""
    with open(worker.folder / "output", "wb") as output, open(worker.folder / "errors", "wb") as errors:
        process = subprocess.Popen(
            [worker.binary, "dead-letters", *map(str, arguments), "--routes", str(worker.write_routes())],
            env=worker.environment,
            cwd=worker.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = (worker.folder / "output").read_text()
    assert process.returncode == 0, text + (worker.folder / "errors").read_text()
    return usage.ru_maxrss // 1024, text


def letter_id(queue):
    """Of any."""
    return queue.sqs.receive_message(QueueUrl=queue.dead_letter_url, VisibilityTimeout=0)["Messages"][0]["MessageId"]


class TestMemory:
    @pytest.fixture
    def queue(self, servers):
        """Not moto's, which keeps all that it has answered."""
        server = servers("LocalQueue")
        sqs = client(server.endpoint)
        return Queue(sqs, server, *create_queue(sqs, f"many-{uuid.uuid4().hex[:12]}"))

    def test_memory_does_not_grow_with_their_bodies(self, queue, worker):
        put(queue, 10, SIZE)
        alone = peak(worker, "list", "--limit", 5 * LETTERS)[0]
        put(queue, LETTERS, SIZE)
        for command in (
            ["list", "--limit", 5 * LETTERS],
            ["list", "--limit", 5 * LETTERS, "--json"],
            ["show", letter_id(queue)],
            ["redrive", "--all", "--dry-run"],
            ["redrive", "--all", "--dry-run", "--json"],
            ["discard", "--all", "--yes"],
        ):
            most, _ = peak(worker, *command)
            assert most - alone < LETTERS * SIZE / 1e6 / 2, f"{command}: {most} MB, and {alone} MB with ten letters"

    def test_memory_does_not_grow_with_a_file_of_exported_letters(self, queue, worker):
        put(queue, 10, SIZE)
        alone = peak(worker, "list")[0]
        line = json.dumps({"id": "not-there", "body": "x" * SIZE})
        # In parts: the memory that this process has when it starts another counts as that one's.
        with open(worker.folder / "exported.jsonl", "w") as exported:
            for _ in range(LETTERS):
                exported.write(f"{line}\n")
        most = peak(worker, "discard", "--exported", "exported.jsonl", "--dry-run")[0]
        assert most - alone < LETTERS * SIZE / 1e6 / 2

    def test_a_table_has_some_rows_and_counts_the_others(self, queue, worker):
        put(queue, 620, 10)
        _, text = peak(worker, "redrive", "--all", "--dry-run")
        assert len(re.findall(r"^planned ", text, re.MULTILINE)) == 500
        assert "… and 120 others: 120 planned" in text
        assert "620 dead letters would go to" in text
        listed = json.loads(peak(worker, "redrive", "--all", "--dry-run", "--json")[1])
        assert len(listed["deadLetters"]) == 620


class TestAStop:
    def test_where_the_queue_does_not_answer(self, letters, worker, queue, proxy):
        put(queue, 1, 10)
        asked = []

        def on_request(operation, body):
            if operation == "ReceiveMessage":
                asked.append(operation)
                return lambda exchange: exchange.wait_for_hangup()
            return None

        proxy.on_request = on_request
        running = worker.start_command("dead-letters", "list", "--routes", worker.write_routes())
        wait_until(lambda: asked, "a receive is under way")
        running.signal(signal.SIGINT)
        with takes_at_most(15, "ending while a receive is not answered"):
            assert running.wait() == 128 + signal.SIGINT

    def test_gives_back_all_of_many(self, letters, worker, queue, proxy):
        put(queue, 300, 10)
        received = []
        proxy.on_request = lambda operation, body: received.append(operation)
        running = worker.start_command("dead-letters", "list", "--limit", "1000", "--routes", worker.write_routes())
        wait_until(lambda: received.count("ReceiveMessage") > 20, "it holds many")
        running.signal(signal.SIGTERM)
        with takes_at_most(30, "giving back hundreds of letters"):
            assert running.wait() in (0, 128 + signal.SIGTERM)
        assert letters.counts() == (300, 0)

    def test_a_reader_who_has_seen_enough(self, letters, worker, queue):
        put(queue, 50, 10)
        command = f"{worker.binary} dead-letters list --json --routes {worker.write_routes()}"
        done = subprocess.run(
            ["bash", "-c", f"{command} 2>errors | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}; cat errors"],
            env=worker.environment,
            cwd=worker.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        # It may have written all before its reader went.
        assert done.stdout.split("\n")[0] in ("0", str(128 + signal.SIGPIPE))
        assert "Error" not in done.stdout
        assert letters.counts() == (50, 0)
