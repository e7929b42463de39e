"""A log, or an output, that nobody reads: the worker works and ends as ever."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import time

import pytest

from support import takes_at_most, wait_until
from support.events import UNLINKED, example
from support.trials import Trials, trial

F_SETPIPE_SZ = 1031


def fill(descriptor):
    """Until it takes no more."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x")
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)


@contextlib.contextmanager
def unread(kind):
    """What a log is written to, that nobody reads; and the end from which it could be read."""
    if kind == "a stopped terminal":
        reader, writer = pty.openpty()
        os.write(reader, b"\x13")  # Ctrl-S
        time.sleep(0.2)
    else:
        reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        fill(writer)
        if kind == "a full pipe that does not block":
            fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
    try:
        yield writer, reader
    finally:
        for descriptor in (reader, writer):
            with contextlib.suppress(OSError):
                os.close(descriptor)


@contextlib.contextmanager
def started(worker, *arguments, binary=None, **streams):
    process = subprocess.Popen(
        [str(binary or worker.binary), *map(str, arguments)],
        env=worker.environment,
        cwd=worker.folder,
        stdin=subprocess.DEVNULL,
        **({"stdout": subprocess.DEVNULL} | streams),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kind", ["a full pipe", "a full pipe that does not block", "a stopped terminal"])
def test_events_are_handled_and_a_stop_is_heeded(kind, worker, queue, prizes):
    # Longer than its timeout, so that a lease that is not kept brings it again.
    worker.settings["visibilityTimeout"] = "5s"
    with unread(kind) as (log, _):
        arguments = ["run", "--routes", worker.write_routes(), "--log-level", "trace"]
        with started(worker, *arguments, stdout=log, stderr=log) as process:
            for _ in range(20):
                queue.send(example("item-awarded"))
            wait_until(lambda: prizes.waiting_quantity(UNLINKED) == 100, "all are granted")
            queue.wait_until_empty()
            process.terminate()
            with takes_at_most(30, "ending though nobody reads the log"):
                assert process.wait(60) == 0


def test_a_second_signal_ends_it_at_once(binary, tmp_path, queue):
    trials = Trials(binary, tmp_path, queue.url)
    with unread("a full pipe") as (log, _):
        with started(trials, "run", "--routes", trials.write_routes(), stdout=log, stderr=log) as process:
            message = queue.send(trial("waits", waitSeconds=600))
            queue.wait_until_received(message)

            def ended_after_another_signal():
                process.terminate()
                return process.poll() is not None

            wait_until(ended_after_another_signal, "it ends", deadline=20, interval=0.7)
            assert process.returncode == 128 + signal.SIGTERM


def test_what_was_written_when_somebody_reads_again_is_whole(worker, queue, prizes):
    with unread("a full pipe") as (log, reader):
        with started(worker, "run", "--routes", worker.write_routes(), stderr=log) as process:
            for _ in range(5):
                queue.send(example("item-awarded"))
            wait_until(lambda: prizes.waiting_quantity(UNLINKED) == 25, "all are granted")
            os.close(log)
            process.terminate()
            text = b""
            while chunk := os.read(reader, 65_536):
                text += chunk
            assert process.wait(60) == 0
    lines = text.decode().lstrip("x").splitlines()
    assert len([line for line in lines if "event handled" in line]) == 5
    assert "consumer stopped" in lines[-1], "the last line is there, too"


def test_dev_ends_though_nobody_reads_its_report(worker):
    with unread("a full pipe") as (output, _):
        environment_file = worker.folder / ".worker/env"
        with started(worker, "dev", "--port", "0", stdout=output, stderr=output) as process:
            wait_until(environment_file.exists, "it has started")
            process.send_signal(signal.SIGINT)
            with takes_at_most(30, "ending though nobody reads"):
                assert process.wait(60) == 0


def test_a_local_queue_ends_though_nobody_reads(worker):
    with unread("a full pipe") as (output, _):
        with started(worker, "local-queue", "--port", "0", stdout=output, stderr=output) as process:
            wait_until((worker.folder / ".worker/queues.sqlite").exists, "it has started")
            process.send_signal(signal.SIGINT)
            with takes_at_most(30, "ending though nobody reads"):
                assert process.wait(60) == 0


def test_what_a_handler_logged_before_its_process_crashed_is_there(binary, tmp_path, queue):
    trials = Trials(binary, tmp_path, queue.url)
    running = trials.start()
    queue.send(trial("crashes", crash=True))
    code = running.wait()
    assert code in (-signal.SIGILL, -signal.SIGTRAP)
    assert '"message":"trial begins"' in running.log()
    trials.close()


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV, signal.SIGTRAP])
def test_a_crash_that_is_sent_ends_it_by_that_signal(number, worker, queue, prizes):
    # With it, the runtime writes a backtrace for the first signal that is sent, and goes on.
    worker.environment["SWIFT_BACKTRACE"] = "enable=no"
    running = worker.start()
    wait_until(lambda: "consumer started" in running.log(), "it has started")
    running.signal(number)
    assert running.wait() == -number


class TestACommand:
    @pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["schema"], ["doctor"]])
    def test_ends_quietly_where_its_reader_has_gone(self, arguments, worker, queue, prizes):
        worker.write_routes()
        reader, writer = os.pipe()
        os.close(reader)
        with started(worker, *arguments, stdout=writer, stderr=subprocess.PIPE) as process:
            os.close(writer)
            _, errors = process.communicate(timeout=60)
        # By the signal itself, or as a shell reports that.
        assert process.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE)
        assert errors == b""

    @pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["doctor"]])
    def test_fails_where_its_result_cannot_be_written(self, arguments, worker, queue, prizes):
        worker.write_routes()
        with open("/dev/full", "wb") as full:
            with started(worker, *arguments, stdout=full, stderr=subprocess.PIPE) as process:
                _, errors = process.communicate(timeout=60)
        assert process.returncode == 74
        assert b"cannot write to standard output: No space left on device" in errors
