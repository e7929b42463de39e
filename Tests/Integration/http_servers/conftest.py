"""The two servers of the worker's binary, each in a process of its own: what HTTP and its clients can count on."""

from dataclasses import dataclass
from typing import Any

import pytest

from support.admin import Admin
from support.server import LocalQueueServer
from support.worker import Worker


@dataclass
class Served:
    process: Any
    """With `terminate`, `wait` and `is_running`."""
    endpoint: str
    path: str
    """What GET finds there."""
    connections: int
    """So many are open at once at most."""

    def get(self, version="1.1", method="GET", path=None, **headers):
        """A request as it goes over the wire; names of headers are written with underscores."""
        host = {"Host": self.endpoint.removeprefix("http://")} if version == "1.1" else {}
        named = host | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path or self.path} HTTP/{version}", *(f"{name}: {value}" for name, value in named.items())]
        return "\n".join(lines) + "\n\n"


@pytest.fixture
def local_queue(binary, tmp_path):
    server = LocalQueueServer(binary, tmp_path / "data").start()
    yield server
    if server.is_running:
        server.kill()
    print(server.log())


@pytest.fixture
def admin(binary, tmp_path):
    # Nothing answers for its queue, and nothing has to.
    worker = Worker(binary, tmp_path, "http://127.0.0.1:9/000000000000/none")
    yield Admin(worker.start("--admin", "0"))
    worker.close()


@pytest.fixture(params=["local queue", "admin server"])
def served(request):
    if request.param == "local queue":
        server = request.getfixturevalue("local_queue")
        return Served(server, server.endpoint, "/", 1000)
    admin = request.getfixturevalue("admin")
    return Served(admin.running, admin.endpoint, "/metrics", 64)
