"""/health/live and /health/ready, as a supervisor asks for them."""

import re
import socket

import pytest

from support import wait_until
from support.admin import Admin
from support.events import UNLINKED, example
from support.proxy import Exchange


@pytest.fixture
def admin(worker, prizes):
    return Admin(worker.start("--admin", "0"))


def test_a_worker_that_receives_is_live_and_ready(admin, queue):
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready")
    status, body = admin.readiness()
    assert (status, body["status"], body["reasons"]) == (200, "ready", [])
    [shown] = body["queues"]
    assert shown["queue"] == queue.name
    assert shown["slots"] == 16
    assert admin.get("/health/live").status == 200


def test_health_alone_is_readiness(admin, queue, prizes):
    """As those ask for it who have not read which of the two there is."""
    wait_until(lambda: admin.get("/health").status == 200, "it is ready")
    assert b'"status":"ready"' in admin.get("/health").body
    with prizes.locked():
        queue.send(example("item-awarded"))
        wait_until(lambda: admin.get("/health").status == 503, "the plugin is down")


def test_a_plugin_that_is_down_is_named_until_it_is_well_again(admin, queue, prizes):
    # Health is served before the database is opened.
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready")
    with prizes.locked():
        queue.send(example("item-awarded"))
        wait_until(lambda: "the plugin prizes is down: " in str(admin.readiness()), "the plugin is named")
        assert admin.readiness()[0] == 503
        assert admin.get("/health/live").status == 200
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready again")


def test_a_queue_that_cannot_be_reached_is_a_reason(worker, prizes, proxy):
    admin = Admin(worker.start("--admin", "0"))
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready")
    proxy.on_request = lambda operation, body: Exchange.reset
    wait_until(lambda: "receiving fails: " in str(admin.readiness()), "the reason is named")
    proxy.on_request = lambda operation, body: None
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready again")


def test_a_stop_is_said_while_it_lasts(worker, queue, prizes):
    running = worker.start("--admin", "0", "--shutdown-deadline", "30s")
    admin = Admin(running)
    wait_until(lambda: admin.readiness()[0] == 200, "it is ready")
    with prizes.locked():
        queue.send(example("item-awarded"))
        # In hand, and parked or in its handler.
        wait_until(
            lambda: [shown["inFlight"] for shown in admin.readiness()[1]["queues"]] == [1], "it is in flight"
        )
        running.terminate()
        wait_until(lambda: "draining" in str(admin.readiness()) or not running.is_running, "it says that it stops")
        assert running.is_running, "it had ended before it said so"
        assert admin.readiness()[0] == 503
    assert running.wait() == 0


def test_nothing_can_be_changed_there(admin):
    index = admin.get("/")
    assert index.status == 200
    for link in re.findall(r'href="(/[^"]*)"', index.body.decode()):
        assert admin.get(link).status in (200, 503)
    assert admin.get("/metrics/").status == 404
    assert admin.get("/../etc/passwd").status == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = admin.request(method, "/metrics", body=b"x")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    head = admin.request("HEAD", "/health/live")
    assert (head.status, head.body) == (200, b"")


def test_a_web_page_that_calls_itself_this_machine_is_refused(admin):
    assert admin.get("/metrics", Host="evil.example").status == 403
    assert admin.get("/metrics", Host="127.0.0.1.evil.example").status == 403
    for host in ["[::1].evil.example", "[::1]:1.evil.example", "localhost:1.evil.example", "127.0.0.1@evil.example", "[localhost]"]:
        assert admin.get("/metrics", Host=host).status == 400, host
    assert admin.get("/metrics", Host="localhost:9464").status == 200
    assert admin.get("/metrics", Host="[::1]:9464").status == 200


def test_routes_yaml_says_where_and_the_flag_says_otherwise(worker, prizes):
    worker.routes["admin"] = {"port": 1}
    admin = Admin(worker.start("--admin", "127.0.0.1:0"))
    assert admin.get("/health/live").status == 200
    worker.routes["admin"] = {"host": "127.0.0.1", "port": 0}
    admin = Admin(worker.start())
    assert admin.get("/health/live").status == 200


def test_a_network_address_is_served_only_when_asked_for_and_said(worker, prizes):
    running = worker.start("--admin", "0.0.0.0:0")
    Admin(running)
    assert "anyone who can reach" in running.log()


def test_a_port_that_is_taken_is_an_error_with_the_flag(worker, prizes):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = worker.command("run", "--routes", worker.write_routes(), "--admin", port).failed()
    assert f"port {port} of 127.0.0.1 is in use" in finished.stderr
    assert "--admin" in finished.stderr


@pytest.mark.parametrize("argument", ["", "x", "65536", ":9464", "host:", "-1"])
def test_an_argument_that_is_no_address_is_refused(argument, worker):
    finished = worker.command("run", "--routes", worker.write_routes(), f"--admin={argument}")
    assert finished.code == 64
    assert "0.0.0.0:9464" in finished.stderr


def test_wrong_settings_in_routes_yaml_are_named_with_their_place(worker):
    worker.routes["admin"] = {"prot": 9464, "port": 70000}
    finished = worker.command("check", "--routes", worker.write_routes())
    assert finished.code == 78
    assert "unknown key `prot` in admin; did you mean `port`?" in finished.stderr
    assert "admin.port must be from 0 to 65535" in finished.stderr


def test_until_empty_ends_with_admin_too(worker, queue, prizes):
    queue.send(example("item-awarded"))
    worker.run_until_empty("--admin", "0")
    assert prizes.waiting_quantity(UNLINKED) == 5
