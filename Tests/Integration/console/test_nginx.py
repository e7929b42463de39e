"""The console behind nginx with TLS, which is set up as docs/console.md has it."""

import http.client
import re
import shutil
import ssl
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ports import free_port
from support.console import FORM, Console
from support.events import item
from support.nginx import NGINX, Nginx, make_certificate

PASSWORD = "correct horse battery staple"
PAGE = (Path(__file__).parents[3] / "docs/console.md").read_text()

pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not here")


class Front(Console):
    """The console through the proxy, and so over TLS."""

    def __init__(self, running, port, authority):
        super().__init__(running)
        self.address = f"localhost:{port}"
        self.source = "127.0.0.1"
        self._context = ssl.create_default_context(cafile=authority)

    def connect(self):
        return http.client.HTTPSConnection(self.address, timeout=60, context=self._context, source_address=(self.source, 0))

    @property
    def origin(self):
        return f"https://{self.address}"


@pytest.fixture(scope="module")
def hashed(binary):
    done = subprocess.run([binary, "admin", "password"], input=PASSWORD, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def make_front(make_console, tmp_path, hashed):
    """Starts a worker as the page has it, and nginx before it."""
    processes = []

    def make(change=lambda text: text, **proxy):
        console = make_console(
            proxy={"header": "X-Forwarded-User", "addresses": ["127.0.0.1"], **proxy},
            users={"ana": {"role": "operator", "password": hashed}},
        ).ready()
        port = free_port()
        certificate = make_certificate(tmp_path, "console")
        [server] = re.findall(r"^```nginx\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
        for old, new in [
            ("listen 443", f"listen 127.0.0.1:{port}"),
            ("127.0.0.1:9464", console.address),
            ("/etc/nginx/", f"{tmp_path}/"),
        ]:
            assert old in server
            server = server.replace(old, new)
        processes.append(Nginx(tmp_path, port, change(server)))
        return Front(console.running, port, certificate)

    yield make
    for process in processes:
        process.stop()


@pytest.fixture
def front(make_front):
    return make_front()


def log_in(front, **headers):
    form = urlencode({"user": "ana", "password": PASSWORD, "next": "/flow"})
    return front.request("POST", "/login", form, Content_Type=FORM, **headers)


def test_the_form_logs_in_over_tls(front):
    answer = log_in(front, Origin=front.origin)
    assert (answer.status, answer.headers["Location"]) == (303, "/flow")
    assert {"Secure", "HttpOnly", "SameSite=Strict"} <= set(answer.headers["Set-Cookie"].split("; "))
    front.headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0]
    assert front.submit("/diagnosis", Origin=front.origin)[0] == "/"


def test_a_page_elsewhere_is_refused(front):
    for origin in ["https://evil.example", front.origin.replace("https", "http") + "0", "null"]:
        assert log_in(front, Origin=origin).status == 403, origin
    assert front.log_in("ana", PASSWORD).status == 303
    form = urlencode({"_token": front.token})
    for headers in [{"Origin": "https://evil.example"}, {"Origin": front.origin, "Sec_Fetch_Site": "cross-site"}]:
        assert front.request("POST", "/diagnosis", form, Content_Type=FORM, **headers).status == 403, headers


def test_no_client_names_itself(front):
    answer = front.get("/", X_Forwarded_User="ana")
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2F")
    assert front.get("/api/session", X_Forwarded_User="ana").status == 401


def test_one_who_guesses_keeps_out_no_other(front):
    front.source = "127.0.0.2"
    # Where a guess takes long, the first waits are over when the next one comes; they double.
    statuses = [front.log_in("ana", "wrong").status]
    while statuses[-1] != 429:
        statuses.append(front.log_in("ana", "wrong").status)
    assert 5 <= statuses.count(401) < 15
    front.source = "127.0.0.1"
    assert front.log_in("ana", PASSWORD).status == 303
    logins = {(entry["action"], entry["details"]["address"]) for entry in front.api("/api/audit")["entries"]}
    assert logins == {("logged in", "127.0.0.1"), ("failed to log in", "127.0.0.2")}


def test_a_live_page_is_not_held_back(front, queue):
    front.log_in("ana", PASSWORD)
    connection = front.connect()
    try:
        connection.request("GET", "/live/flow", headers=front.headers)
        stream = connection.getresponse()
        assert stream.status == 200
        sent = queue.send(item())
        # nginx holds back what is small, for as long as the connection lasts.
        assert any(sent.encode() in line for line in iter(stream.readline, b""))
    finally:
        connection.close()


def test_nginx_says_who_asks(make_front, tmp_path):
    (tmp_path / "users").write_text("ana:{PLAIN}secret\nrea:{PLAIN}secret\n")

    def authenticates(server):
        named = server.replace('X-Forwarded-User ""', "X-Forwarded-User $remote_user")
        return named.replace("location / {", f'location / {{ auth_basic "console"; auth_basic_user_file {tmp_path}/users;')

    front = make_front(authenticates, operators=["ana"])
    assert front.get("/").status == 401
    front.headers = {"Authorization": "Basic YW5hOnNlY3JldA==", "X_Forwarded_User": "rea"}
    session = front.api("/api/session")
    assert (session["user"], session["role"]) == ("ana", "operator")


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium is not here")
def test_a_browser_over_tls(front):
    from support.browser import Browser

    browser = Browser()
    try:
        browser.open(f"{front.origin}/")
        browser.log_in("ana", PASSWORD)
        browser.wait_for("Overview")
        browser.wait_for_live()
        browser.press("Run the doctor again")
        browser.wait_for("Overview")
        browser.open(f"{front.origin}/audit")
        browser.wait_for("diagnosis")
        assert not browser.problems()
    finally:
        browser.close()
