"""Where the worker finds credentials: each way is the only one that it has. moto is STS; the instance's and the
container's endpoints are strict ones of the test's own."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.events import UNLINKED, item
from support.sqs import loaded_sts

ROLE = "arn:aws:iam::123456789012:role/bot"
TOKEN = "instance-token"
AUTHORIZATION = "Bearer container-token"


class Endpoints(BaseHTTPRequestHandler):
    """The metadata service, version 2 alone, and a container's credentials with authorization."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        lifetime = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        if self.path != "/latest/api/token" or not lifetime or self.headers.get("X-Forwarded-For"):
            return self.answer(400, "")
        self.answer(200, TOKEN, {"X-aws-ec2-metadata-token-ttl-seconds": lifetime})

    def do_GET(self):
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.path.startswith("/latest/") and self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return self.answer(401, "")
        if self.path == roles:
            return self.answer(200, "bot")
        if self.path == "/v1/credentials" and self.headers.get("Authorization") != AUTHORIZATION:
            return self.answer(403, json.dumps({"code": "AccessDenied", "message": "who are you?"}))
        if self.path in (roles + "bot", "/v1/credentials"):
            self.server.given_out += 1
            return self.answer(200, json.dumps(credentials()))
        self.answer(404, "")

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())


def credentials(seconds=3600):
    return {
        "Code": "Success",
        "AccessKeyId": "ASIALOCAL",
        "SecretAccessKey": "hush-hush",
        "Token": "session-token",
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)),
    }


@pytest.fixture
def endpoints():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoints)
    server.given_out = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def worker(worker):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del worker.environment[name]
    return worker


@pytest.fixture
def sts(servers, worker):
    worker.environment["AWS_ENDPOINT_URL_STS"] = loaded_sts(servers("moto").endpoint)


@pytest.fixture
def works(worker, queue, prizes):
    """Sends with these credentials, and handles what was sent."""

    def works():
        worker.write_routes()
        worker.command("send", "-", input=json.dumps(item())).succeeded()
        done = worker.run_until_empty("--log-level", "debug")
        assert prizes.pending(UNLINKED) != {}
        assert "hush-hush" not in done.output and "session-token" not in done.output
        return done

    return works


def configure(worker, text):
    path = worker.folder / ".aws" / "config"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_without_any_it_ends_and_names_every_place(worker, queue, prizes):
    done = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
    for place in (
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        f"{worker.folder}/.aws/config",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_EC2_METADATA_DISABLED",
    ):
        assert place in done.output


def test_a_web_identity_token(worker, sts, works):
    token = worker.folder / "token"
    token.write_text("a.web.token")
    worker.environment |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE}
    assert "a.web.token" not in works().output


def test_a_role_of_a_profile(worker, sts, works):
    worker.environment["AWS_PROFILE"] = "bot"
    configure(
        worker,
        f"[profile bot]\nrole_arn = {ROLE}\nsource_profile = keys\n"
        "[profile keys]\naws_access_key_id = AKIALOCAL\naws_secret_access_key = hush-hush\n",
    )
    works()


def test_a_program(worker, works):
    answer = worker.folder / "an answer.json"
    answer.write_text(json.dumps({"Version": 1, "AccessKeyId": "AKIALOCAL", "SecretAccessKey": "hush-hush"}))
    configure(worker, f"[default]\ncredential_process = cat '{answer}'\n")
    works()


def test_a_containers_endpoint(worker, endpoints, works):
    token = worker.folder / "token"
    token.write_text(AUTHORIZATION)
    worker.environment |= {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://localhost:{endpoints.server_port}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
        # A proxy must not see them; only the queue's address is exempt.
        "http_proxy": "http://127.0.0.1:1",
        "no_proxy": "127.0.0.1",
    }
    works()
    assert endpoints.given_out == 2, "one for each command"


def test_an_instances_metadata(worker, endpoints, works):
    worker.environment |= {
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://localhost:{endpoints.server_port}/",
        "http_proxy": "http://127.0.0.1:1",
        "no_proxy": "127.0.0.1",
    }
    works()
    assert endpoints.given_out == 2, "one for each command"


def test_a_refusal_says_who_refused_and_why(worker, endpoints, queue, prizes):
    worker.environment |= {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{endpoints.server_port}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer wrong-token",
    }
    done = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
    assert "AccessDenied: who are you?" in done.output
    assert "AWS_CONTAINER_AUTHORIZATION_TOKEN" in done.output
    assert "wrong-token" not in done.output
