"""The worker with a route of `http.post`, beside servers that take what it posts."""

import pytest

from support.receiver import Receiver

@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def make_receiver():
    made = []

    def make(**options):
        made.append(Receiver(**options))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def post(worker, receiver):
    """Makes a route that posts to the receiver, or to the URL that is given."""
    del worker.routes["plugins"]
    worker.routes["routes"] = {}

    def route(event_type="WON", timeout="10s", errors=None, **options):
        options = {"url": f"{receiver.address}/hooks", "privateNetwork": True} | options
        made = {"handler": "http.post", "timeout": timeout, "with": options}
        if errors:
            made["errors"] = errors
        worker.routes["routes"][event_type] = made

    return route


@pytest.fixture
def fails_at_once():
    """A policy by which each failure is a dead letter, so that its kind is seen."""
    transient = ["network", "timeout", "unavailable", "throttled"]
    return {"permanent": ["validation", "notFound", "conflict", "badRequest", *transient], "otherwise": "permanent"}
