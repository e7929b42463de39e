"""The worker with routes that keep to limits, beside a server that takes what they post."""

import pytest

from support.receiver import Receiver


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def limited(worker, receiver):
    """Makes routes that post to the receiver, each to a path of its own: LIMITED within a limit, FREE without."""
    del worker.routes["plugins"]
    options = {"url": f"{receiver.address}/", "privateNetwork": True}

    def make(**limit):
        worker.routes["limits"] = {"bot": limit}
        worker.routes["routes"] = {
            "LIMITED": {"handler": "http.post", "limit": "bot", "with": options},
            "FREE": {"handler": "http.post", "with": options | {"url": f"{receiver.address}/free"}},
        }

    return make
