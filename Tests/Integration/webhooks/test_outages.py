"""A receiver that is down, or refuses the worker, costs no message a receive."""

import json
import socket

import pytest

from support import wait_until
from support.admin import Admin
from support.receiver import Answer, Receiver

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def queue(make_queue):
    return make_queue(visibility_timeout=4)


@pytest.fixture
def worker(worker):
    worker.settings["visibilityTimeout"] = "4s"
    return worker


@pytest.fixture
def taken():
    """A port on which nobody listens, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


@pytest.mark.parametrize("outage", ["closed", "500", "timeout"])
def test_an_outage_longer_than_the_redrive_policy_allows(outage, post, queue, worker, receiver, make_receiver, taken):
    destination, port = receiver, receiver.port
    if outage == "closed":
        port = taken.getsockname()[1]
    post(url=f"http://localhost:{port}/", timeout="1s" if outage == "timeout" else "10s")
    receiver.respond = lambda delivery: Answer(500) if outage == "500" else receiver.hang
    running = worker.start("--admin", "0")
    ids = [queue.send({"eventType": "WON", "number": number}) for number in range(30)]
    wait_until(lambda: running.log().count("the plugin is still down") >= 2, "it asks again", deadline=120)
    status, said = Admin(running).readiness()
    assert status == 503
    assert any(f"http: http://localhost:{port} is down" in reason for reason in said["reasons"])
    assert list(said["plugins"]) == [f"http: http://localhost:{port}"]
    assert queue.dead_letters() == [] and queue.size() == 30
    if outage == "closed":
        taken.close()
        destination = make_receiver(port=port)
    destination.respond = lambda delivery: Answer()
    queue.wait_until_empty(deadline=120)
    wait_until(lambda: Admin(running).readiness()[0] == 200, "it is ready again")
    running.stop()
    assert queue.dead_letters() == []
    handled = {delivery.json["number"] for delivery in destination.deliveries}
    assert handled == set(range(30))
    assert running.attempts() == dict.fromkeys(ids, 1)


def test_one_destinations_outage_is_not_anothers(post, queue, worker, receiver, make_receiver):
    down: Receiver = make_receiver()
    down.respond = lambda delivery: Answer(503)
    post("DOWN", url=f"{down.address}/")
    post("UP")
    running = worker.start()
    for number in range(5):
        queue.send({"eventType": "DOWN", "number": number})
    wait_until(lambda: "the plugin is down" in running.log(), "the breaker opens", deadline=60)
    for number in range(20):
        queue.send({"eventType": "UP", "number": number})
    receiver.wait_for(20)
    down.respond = lambda delivery: Answer()
    queue.wait_until_empty(deadline=120)
    running.stop()
    assert queue.dead_letters() == []


@pytest.mark.parametrize(("status", "limit"), [(410, 1), (401, 5), (403, 5)])
def test_a_receiver_that_refuses_is_left_alone_until_a_restart(status, limit, post, queue, worker, receiver):
    worker.settings["concurrency"] = 1
    worker.routes["admin"] = {"port": 0}
    post()
    receiver.respond = lambda delivery: Answer(status)
    running = worker.start()
    admin = Admin(running)
    for number in range(limit + 3):
        queue.send({"eventType": "WON", "number": number})
    wait_until(lambda: "until the worker is restarted" in running.log(), "the breaker opens", deadline=60)
    code, said = admin.readiness()
    assert code == 503
    assert any(f"answered {status}" in reason and "restarted" in reason for reason in said["reasons"])
    worker.routes["admin"] = {"port": int(admin.endpoint.rsplit(":", 1)[1])}
    report = worker.command("doctor", "--routes", worker.write_routes(), "--json")
    findings = json.loads(report.stdout)["findings"]
    assert any(
        finding["check"] == "worker" and finding["status"] == "wrong" and f"answered {status}" in finding["message"]
        for finding in findings
    ), findings
    # Not a message more than it took to find out was posted, and those that wait are on the queue.
    assert len(receiver.deliveries) == limit
    assert len(queue.dead_letters()) == limit - 1
    running.stop()
    receiver.respond = lambda delivery: Answer()
    worker.routes["admin"] = {"port": 0}
    worker.run_until_empty(timeout=120)
    assert len(queue.dead_letters()) == limit - 1
    numbers = {delivery.json["number"] for delivery in receiver.deliveries}
    assert numbers == set(range(limit + 3))
