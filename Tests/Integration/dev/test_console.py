"""`worker dev` serves a console, and says where."""

import re
from urllib.parse import urlencode

import pytest

from support import wait_until
from support.console import FORM, TOKEN, text_of
from support.http import Http
from support.worker import RunningWorker

# With the line's end: one that is being written may end in the midst of the port.
ADDRESS = re.compile(r"A console is at (http://127\.0\.0\.1:\d+)\n")


@pytest.fixture
def start(binary, tmp_path_factory):
    """Starts one in a folder of its own."""
    running = []

    def start(*arguments):
        folder = tmp_path_factory.mktemp("dev")
        command = [binary, "dev", "--port", "0", *arguments]
        worker = RunningWorker(command, {"PATH": "/usr/bin:/bin", "HOME": str(folder)}, folder)
        running.append(worker)
        found = wait_until(lambda: ADDRESS.search(worker.log()) or not worker.is_running, "it says where the console is")
        assert worker.is_running, worker.log()
        return worker, Http(found[1])

    yield start
    for worker in running:
        if worker.is_running:
            worker.kill()


def seen(console):
    """The page of dead letters, once it has one."""
    page = console.request("GET", "/dead-letters").body.decode()
    if "cost 0 receives" in text_of(page):
        # The log says of an event that it is dead-lettered before it is: the page has come too early.
        form = urlencode({"_token": TOKEN.search(page)[1]})
        console.request("POST", "/dead-letters/refresh", form, Content_Type=FORM)
    return text_of(page) if "cost 1 receives" in text_of(page) else None


def test_two_at_once_have_a_console_each(start):
    """The second takes another port, and works as well."""
    started = [start() for _ in range(2)]
    assert started[0][1].address != started[1][1].address
    for worker, console in started:
        wait_until(lambda: "dead-lettered" in worker.log(), "the demo has a dead letter")
        assert "ITEM_AWARDED" in console.request("GET", "/routes").body.decode()
        shown = wait_until(lambda: seen(console), "the demo's dead letter is seen")
        assert "notFound" in shown


def test_its_address_can_be_chosen(start):
    worker, console = start("--admin", "127.0.0.1:0")
    assert console.request("GET", "/health/live").status == 200
    worker.terminate()
    assert worker.wait() == 0
