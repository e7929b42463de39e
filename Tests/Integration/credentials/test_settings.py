"""AWS as it is configured: what variables, files and proxies say, and what is wrong with them."""

import hashlib
import json
import ssl
import stat
import subprocess
import threading
import time
from base64 import b64encode
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.events import UNLINKED, item

SECRET = "hush-hush"
AWS_QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/prizes"

# What the queue is does not matter here.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def works(worker, queue, prizes):
    """Sends, and handles what was sent."""

    def works():
        worker.write_routes()
        worker.command("send", "-", input=json.dumps(item())).succeeded()
        done = worker.run_until_empty("--log-level", "debug")
        assert prizes.pending(UNLINKED) != {}
        assert SECRET not in done.output
        return done

    return works


@pytest.fixture
def fails(worker, queue, prizes):
    """Says why at its start, without a secret."""

    def fails():
        done = worker.command("run", "--routes", worker.write_routes(), "--until-empty").failed()
        assert SECRET not in done.output
        return done.output

    return fails


def write(worker, name, text):
    path = worker.folder / ".aws" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, bytes):
        path.write_bytes(text)
    else:
        path.write_text(text)
    return path


def without_keys(worker):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del worker.environment[name]


# White space and line breaks


def test_white_space_at_the_ends_is_not_meant(worker, works, proxy):
    headers = []

    def keep(operation, body):
        def forward(exchange):
            headers.append(exchange.headers)
            exchange.answer(*exchange.forward())

        return forward

    proxy.on_request = keep
    worker.environment |= {
        "AWS_ACCESS_KEY_ID": "AKIALOCAL\n",
        "AWS_SECRET_ACCESS_KEY": f" {SECRET}\r\n",
        "AWS_SESSION_TOKEN": "token\n",
        "AWS_ENDPOINT_URL_SQS": f"{proxy.endpoint}\n",
    }
    works()
    assert headers
    for each in headers:
        assert "Credential=AKIALOCAL/" in each["Authorization"] and "Signature=" in each["Authorization"]
        assert each["X-Amz-Security-Token"] == "token"


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_line_break_inside_reaches_no_header(worker, fails, proxy, variable):
    called = []
    proxy.on_request = lambda operation, body: called.append(operation)
    worker.environment[variable] = f"{SECRET}\nX-Injected: yes"
    output = fails()
    assert f"{variable} holds a line break" in output
    assert called == []


def test_a_line_break_in_an_otlp_header_reaches_no_collector(worker, works):
    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(self.headers)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    worker.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}%0d%0aX-Injected:%20yes",
    }
    try:
        assert "OTEL_EXPORTER_OTLP_HEADERS" in works().output
    finally:
        collector.shutdown()
        collector.server_close()
    assert received and all("X-Injected" not in headers and "x-key" not in headers for headers in received)


def test_a_credentials_file_in_utf_16_is_named_as_one(worker, fails):
    without_keys(worker)
    text = f"[default]\naws_access_key_id = A\naws_secret_access_key = {SECRET}\n"
    path = write(worker, "credentials", text.encode("utf-16"))
    assert f"{path} is UTF-16; save it as UTF-8" in fails()


# Profiles


def test_keys_may_be_indented_and_names_quoted(worker, works):
    without_keys(worker)
    worker.environment["AWS_PROFILE"] = "my dev"
    write(
        worker,
        "config",
        "[profile 'my dev']\n  aws_access_key_id = A\n  s3 =\n    aws_access_key_id = nested\n"
        f"  aws_secret_access_key = {SECRET}\n",
    )
    works()


def test_a_profile_names_the_endpoint_and_the_region(worker, queue, server, works, proxy):
    regions = set()

    def keep(operation, body):
        def forward(exchange):
            assert exchange.path == "/sqs/"
            exchange.path = "/"
            regions.add(exchange.headers["Authorization"].split("/")[2])
            exchange.answer(*exchange.forward())

        return forward

    proxy.on_request = keep
    for name in ("AWS_ENDPOINT_URL_SQS", "AWS_REGION", "AWS_DEFAULT_REGION"):
        del worker.environment[name]
    del worker.settings["region"]
    # Nothing leaves this machine.
    worker.environment |= {
        "AWS_SQS_QUEUE_URL": f"https://sqs.us-west-2.amazonaws.com/000000000000/{queue.name}",
        "https_proxy": "http://127.0.0.1:9",
    }
    write(
        worker,
        "config",
        "[default]\nregion = us-east-1\nservices = local\n"
        f"[services 'local']\nsqs =\n  endpoint_url = {proxy.endpoint}/sqs\n",
    )
    works()
    assert regions == {"us-east-1"}
    worker.environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
    refused = worker.command("send", "-", input=json.dumps(item())).failed()
    assert "the proxy http://127.0.0.1:9 that https_proxy names does not answer" in refused.output


# IAM Identity Center


class IdentityCenter(BaseHTTPRequestHandler):
    """The portal, and OIDC's CreateToken, which takes each refresh token once."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        expected = {"clientId": "client", "clientSecret": SECRET, "grantType": "refresh_token"}
        expected["refreshToken"] = f"refresh-{server.renewals}"
        if self.path != "/token" or asked != expected:
            return self.answer(400, {"error": "invalid_grant", "error_description": "Invalid refresh token provided"})
        server.renewals += 1
        fresh = {"accessToken": f"access-{server.renewals}", "refreshToken": f"refresh-{server.renewals}"}
        self.answer(200, {"expiresIn": 3600, "tokenType": "Bearer", **fresh})

    def do_GET(self):
        if self.headers["x-amz-sso_bearer_token"] != f"access-{self.server.renewals}":
            return self.answer(401, {"message": "Session token not found or invalid"})
        expiration = int((time.time() + 3600) * 1000)
        keys = {"accessKeyId": "ASIALOCAL", "secretAccessKey": SECRET, "sessionToken": "token"}
        self.answer(200, {"roleCredentials": {**keys, "expiration": expiration}})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def identity_center(worker):
    without_keys(worker)
    server = ThreadingHTTPServer(("127.0.0.1", 0), IdentityCenter)
    server.renewals = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    worker.environment |= {"AWS_ENDPOINT_URL_SSO": endpoint, "AWS_ENDPOINT_URL_SSO_OIDC": endpoint}
    write(
        worker,
        "config",
        "[default]\nsso_session = Acme Games Ltd\nsso_account_id = 123456789012\nsso_role_name = bot\n"
        "[sso-session 'Acme Games Ltd']\nsso_region = eu-west-1\nsso_start_url = https://acme.awsapps.com/start\n",
    )
    yield server
    server.shutdown()
    server.server_close()


def sign_in(worker, refresh_token):
    """As `aws sso login` did an hour ago. The file is named after the session."""
    return write(
        worker,
        f"sso/cache/{hashlib.sha1(b'Acme Games Ltd').hexdigest()}.json",
        json.dumps(
            {
                "startUrl": "https://acme.awsapps.com/start",
                "region": "eu-west-1",
                "accessToken": "access-0",
                "expiresAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60)),
                "clientId": "client",
                "clientSecret": SECRET,
                "registrationExpiresAt": "2099-01-01T00:00:00Z",
                "refreshToken": refresh_token,
            }
        ),
    )


def test_an_expired_session_is_renewed(worker, identity_center, works):
    cache = sign_in(worker, "refresh-0")
    works()
    # The second command found what the first one wrote.
    assert identity_center.renewals == 1
    token = json.loads(cache.read_text())
    assert (token["accessToken"], token["refreshToken"]) == ("access-1", "refresh-1")
    assert token["expiresAt"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert list(cache.parent.iterdir()) == [cache]


def test_a_session_that_has_ended_says_how_to_sign_in(worker, identity_center, fails):
    sign_in(worker, "refresh-used-up")
    output = fails()
    assert "invalid_grant" in output and "aws sso login --profile default" in output
    assert "refresh-used-up" not in output and "access-0" not in output


# Proxies


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_down_is_named(worker, fails, variable):
    worker.environment |= {"AWS_SQS_QUEUE_URL": AWS_QUEUE, variable: f"http://bot:{SECRET}@127.0.0.1:9"}
    output = worker.command("send", "-", "--routes", worker.write_routes(), input=json.dumps(item())).failed().output
    assert f"the proxy http://127.0.0.1:9 that {variable} names does not answer" in output
    assert "NO_PROXY" in output and SECRET not in output


def test_a_proxy_that_is_down_is_named_for_credentials(worker, queue, prizes):
    without_keys(worker)
    token = worker.folder / "token"
    token.write_text(SECRET)
    worker.environment |= {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/bot",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = worker.command("send", "-", "--routes", worker.write_routes(), input=json.dumps(item())).failed()
    output = done.output
    assert SECRET not in output
    assert "no credentials from STS" in output
    assert "the proxy http://127.0.0.1:9 that https_proxy names does not answer" in output


def test_a_proxy_that_is_down_is_named_for_traces(worker, works):
    worker.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.invalid:4318",
        "OTEL_BSP_EXPORT_TIMEOUT": "5000",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    assert "the proxy http://127.0.0.1:9 that HTTPS_PROXY names does not answer" in works().output


class Tunnel(BaseHTTPRequestHandler):
    """A proxy that leads to a queue behind it, which has a certificate for AWS's name."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.setup()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        upstream = HTTPConnection(self.server.upstream, timeout=60)
        upstream.request("POST", self.path, body, {name: self.headers[name] for name in FORWARDED})
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def setup(self):
        self.request = getattr(self, "connection", self.request)
        super().setup()

    def log_message(self, *_):
        pass


FORWARDED = ["Content-Type", "X-Amz-Target", "X-Amz-Date", "Authorization"]


def test_a_proxy_carries_what_goes_to_aws(worker, queue, server, works):
    host = "sqs.us-east-1.amazonaws.com"
    certificate = worker.folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1".split()
    command += ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run([*command, "-keyout", certificate.with_suffix(".key"), "-out", certificate], check=True, timeout=60)
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
    proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    proxy.tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    proxy.upstream, proxy.asked = server.endpoint.removeprefix("http://"), []
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    worker.environment |= {
        "AWS_SQS_QUEUE_URL": f"https://{host}/000000000000/{queue.name}",
        "AWS_CA_BUNDLE": str(certificate),
        "HTTPS_PROXY": f"http://bot:{SECRET}@127.0.0.1:{proxy.server_port}\n",
        "NO_PROXY": "example.org, 10.0.0.0/8",
    }
    try:
        works()
    finally:
        proxy.shutdown()
        proxy.server_close()
    password = b64encode(f"bot:{SECRET}".encode()).decode()
    assert set(proxy.asked) == {(f"{host}:443", f"Basic {password}")}


class RefusingProxy(BaseHTTPRequestHandler):
    def do_CONNECT(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_CONNECT

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("status", "expected"),
    [(407, "wants a user and a password"), (403, "answers 403 when asked to connect"), (502, "answers 502 when asked")],
)
def test_a_proxy_that_refuses_is_named(worker, queue, prizes, status, expected):
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), RefusingProxy)
    proxy.status = status
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.server_port}"
    worker.environment |= {"AWS_SQS_QUEUE_URL": AWS_QUEUE, "HTTPS_PROXY": address}
    try:
        done = worker.command("send", "-", "--routes", worker.write_routes(), input=json.dumps(item())).failed()
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert f"the proxy {address} that HTTPS_PROXY names {expected}" in done.output
