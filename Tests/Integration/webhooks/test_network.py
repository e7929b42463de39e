"""Where the worker connects to, and where not, whatever a name says."""

import http.server
import os
import shutil
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from support.receiver import Answer, Receiver

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

HOSTS = """\
127.0.0.1 localhost loopback.example
169.254.169.254 metadata.example
::1 localhost
127.0.0.1 both.example
169.254.169.254 both.example
"""


@pytest.fixture
def replace(worker, tmp_path):
    """Gives the worker files or folders of its own in place of the system's, in a mount namespace."""

    def replace(own, system):
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
        script = f'mount --bind {own} {system} && exec "$@"'
        if subprocess.run([*unshare, "sh", "-c", script, "sh", "true"], capture_output=True).returncode:
            pytest.skip(f"this system does not let a test have a {system} of its own")
        program = tmp_path / f"worker-{len(list(tmp_path.glob('worker-*')))}"
        quoted = " ".join(unshare)
        program.write_text(f"#!/bin/sh\nexec {quoted} sh -c '{script}' sh {worker.binary} \"$@\"\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        worker.binary = str(program)

    return replace


@pytest.fixture
def names(replace, tmp_path):
    """Names of the worker's alone."""
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    replace(hosts, "/etc/hosts")


@pytest.mark.parametrize("is_said", [True, False])
def test_an_address_of_this_machine_must_be_allowed(is_said, post, queue, worker, receiver):
    post(privateNetwork=False)
    if not is_said:
        del worker.routes["routes"]["WON"]["with"]["privateNetwork"]
    failed = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
    assert "privateNetwork: true" in failed.output
    assert receiver.deliveries == []


@pytest.mark.parametrize("is_private_allowed", [False, True])
def test_a_name_is_judged_by_the_address_that_it_leads_to(
    is_private_allowed, names, post, queue, worker, receiver, fails_at_once
):
    for host in ("loopback", "metadata"):
        url = f"http://{host}.example:{receiver.port}/"
        post(host.upper(), url=url, privateNetwork=is_private_allowed, errors=fails_at_once)
        queue.send({"eventType": host.upper()})
    worker.run_until_empty()
    letters = {letter.failure["route"]: letter.failure for letter in queue.dead_letters()}
    assert "169.254.169.254, a link-local address" in letters["METADATA"]["message"]
    assert letters["METADATA"]["kind"] == "network"
    if is_private_allowed:
        assert set(letters) == {"METADATA"} and len(receiver.deliveries) == 1
    else:
        assert "127.0.0.1, an address of this machine" in letters["LOOPBACK"]["message"]
        assert receiver.deliveries == []


def test_of_the_addresses_of_a_name_one_that_is_refused_is_not_connected_to(names, post, queue, worker, receiver):
    post(url=f"http://both.example:{receiver.port}/")
    for number in range(5):
        queue.send({"eventType": "WON", "number": number})
    worker.run_until_empty()
    assert sorted(delivery.json["number"] for delivery in receiver.deliveries) == [*range(5)]


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_to_connect_is_named(status, post, queue, worker, fails_at_once):
    with RefusingProxy(status) as proxy:
        worker.environment["https_proxy"] = f"http://user:pass-word@127.0.0.1:{proxy.port}"
        post(url="https://bot.example/hooks", privateNetwork=False, errors=fails_at_once)
        queue.send({"eventType": "WON"})
        output = worker.run_until_empty().output
    failure = queue.dead_letter().failure
    assert failure["kind"] == "network"
    assert f"127.0.0.1:{proxy.port}" in failure["message"] and "https_proxy" in failure["message"]
    assert (str(status) if status == 403 else "does not accept the user and the password") in failure["message"]
    assert "pass-word" not in failure["message"] + output
    assert proxy.asked == ["bot.example:443"]


class RefusingProxy:
    """Answers each CONNECT with a status."""

    def __init__(self, status):
        self.asked = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                proxy.asked.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def test_a_proxy_of_the_environment_carries_requests(post, queue, worker, receiver):
    worker.environment["http_proxy"] = f"http://user:pass-word@127.0.0.1:{receiver.port}"
    post(url="http://bot.example/hooks", privateNetwork=False)
    queue.send({"eventType": "WON"})
    worker.run_until_empty()
    (delivery,) = receiver.deliveries
    assert delivery.path == "http://bot.example/hooks"
    assert delivery.headers["Proxy-Authorization"]


def test_a_proxy_that_is_not_there_is_named_without_its_password(post, queue, worker, fails_at_once):
    # Nobody listens there, and nobody else can in the meantime.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        worker.environment["http_proxy"] = f"http://user:pass-word@127.0.0.1:{port}"
        post(url="http://bot.example/hooks", privateNetwork=False, errors=fails_at_once)
        queue.send({"eventType": "WON"})
        output = worker.run_until_empty().output
    message = queue.dead_letter().failure["message"]
    assert f"127.0.0.1:{port}" in message and "http_proxy" in message
    assert "pass-word" not in message + output


def test_a_metadata_address_is_refused_behind_a_proxy_too(post, worker, receiver):
    worker.environment["http_proxy"] = f"http://127.0.0.1:{receiver.port}"
    for host in ("169.254.169.254", "[::ffff:a9fe:a9fe]", "0xa9fea9fe"):
        post(url=f"http://{host}/latest/meta-data")
        worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
    assert receiver.deliveries == []


@pytest.fixture
def make_certificate(tmp_path):
    """Makes one of this machine, signed by itself, with its key: the path of the file."""

    def make(name):
        path = tmp_path / f"{name}.pem"
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
            + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out", path],
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        path.write_text(path.read_text() + (tmp_path / "key.pem").read_text())
        return path

    return make


@pytest.fixture
def certificate(make_certificate):
    return make_certificate("localhost")


def test_a_certificate_is_verified_by_the_authority_that_the_route_names(
    certificate, post, queue, worker, make_receiver, fails_at_once
):
    receiver: Receiver = make_receiver(certificate=certificate)
    receiver.respond = lambda delivery: Answer(204)
    post("NAMED", url=f"{receiver.address}/", ca=str(certificate))
    post("UNNAMED", url=f"{receiver.address}/", errors=fails_at_once)
    # Not by AWS's, which is for the queue.
    worker.environment["AWS_CA_BUNDLE"] = str(certificate)
    for event_type in ("NAMED", "UNNAMED"):
        queue.send({"eventType": event_type})
    worker.run_until_empty()
    assert [delivery.json["eventType"] for delivery in receiver.deliveries] == ["NAMED"]
    failure = queue.dead_letter().failure
    assert failure["kind"] == "network" and "could not be verified" in failure["message"] and "`ca`" in failure["message"]


def test_an_authority_of_the_system_does_not_count_where_the_route_names_one(
    certificate, make_certificate, replace, post, queue, worker, make_receiver, fails_at_once, tmp_path
):
    system = Path("/etc/ssl/certs")
    if not (system / "ca-certificates.crt").exists():
        pytest.skip(f"this system has no {system}/ca-certificates.crt, as Debian has")
    authorities = tmp_path / "authorities"
    authorities.mkdir()
    shutil.copy(certificate, authorities / "ca-certificates.crt")
    # By this name OpenSSL finds it in the folder.
    hashed = subprocess.check_output(["openssl", "x509", "-noout", "-hash", "-in", certificate], text=True).strip()
    shutil.copy(certificate, authorities / f"{hashed}.0")
    replace(authorities, system)
    receiver: Receiver = make_receiver(certificate=certificate)
    receiver.respond = lambda delivery: Answer(204)
    post("NAMED", url=f"{receiver.address}/", ca=str(make_certificate("another")), errors=fails_at_once)
    post("UNNAMED", url=f"{receiver.address}/")
    for event_type in ("NAMED", "UNNAMED"):
        queue.send({"eventType": event_type})
    worker.run_until_empty()
    assert [delivery.json["eventType"] for delivery in receiver.deliveries] == ["UNNAMED"]
    assert "could not be verified" in queue.dead_letter().failure["message"]


def test_an_authority_that_is_not_there_stops_the_start(post, worker, tmp_path):
    post(ca=str(tmp_path / "none.pem"))
    failed = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
    assert "none.pem" in failed.output
