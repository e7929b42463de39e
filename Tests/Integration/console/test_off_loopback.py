"""The console over the network, without TLS: browsers send no Sec-Fetch headers there, and Origin is what protects forms."""

import shutil
import socket
import subprocess
from urllib.parse import urlencode

import pytest

from support.console import FORM, Console

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def address():
    """An address of this machine that is not loopback. Connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return probe.getsockname()[0]


@pytest.fixture
def remote(make_console, binary, address):
    done = subprocess.run([binary, "admin", "password"], input=PASSWORD, capture_output=True, text=True, check=True)
    console = make_console(host="0.0.0.0", users={"ana": {"role": "operator", "password": done.stdout.strip()}}).ready()
    console.address = f"{address}:{console.address.split(':')[1]}"
    return console


def test_a_form_s_origin_is_the_console_s_own(remote):
    form = urlencode({"user": "ana", "password": PASSWORD, "next": "/flow"})
    answer = remote.request("POST", "/login", form, Content_Type=FORM, Origin=f"http://{remote.address}")
    assert (answer.status, answer.headers["Location"]) == (303, "/flow")
    for origin in ["null", "http://evil.example", f"http://{remote.address}.evil.example"]:
        assert remote.request("POST", "/login", form, Content_Type=FORM, Origin=origin).status == 403, origin


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("chromedriver")), reason="chromium is not here")
def test_a_browser_logs_in_and_acts(remote):
    from support.browser import Browser

    browser = Browser()
    try:
        browser.open(f"http://{remote.address}/audit")
        browser.log_in("ana", PASSWORD)
        browser.wait_for("logged in")
        browser.open(f"http://{remote.address}/")
        browser.press("Run the doctor again")
        browser.wait_for("Overview")
        browser.open(f"http://{remote.address}/audit")
        browser.wait_for("diagnosis")
        browser.press("Log out")
        browser.wait_for("Password")
    finally:
        browser.close()


@pytest.mark.parametrize("next", ["/\t/evil.example", "//evil.example", "/\\evil.example", "http://evil.example", "/%0d"])
def test_a_login_leads_to_this_console_alone(remote, next):
    form = urlencode({"user": "ana", "password": PASSWORD, "next": next})
    answer = remote.request("POST", "/login", form, Content_Type=FORM)
    location = answer.headers["Location"]
    assert answer.status == 303
    assert location == ("/%0d" if next == "/%0d" else "/")


def test_a_plain_proxy_that_rewrites_the_host_is_believed(make_console):
    proxy = {"header": "X-Forwarded-User", "addresses": ["127.0.0.1"], "operators": ["ana"]}
    console = make_console(proxy=proxy).ready()
    headers = {"X_Forwarded_User": "ana", "Origin": "http://console.example", "X_Forwarded_Host": "console.example"}
    token = console.api("/api/session", **headers)["csrfToken"]
    form = urlencode({"_token": token})
    assert console.request("POST", "/diagnosis", form, Content_Type=FORM, **headers).status == 303
    headers["Origin"] = "http://evil.example"
    assert console.request("POST", "/diagnosis", form, Content_Type=FORM, **headers).status == 403
    elsewhere = Console(console.running)
    headers = {"Origin": "http://console.example", "X_Forwarded_Host": "console.example"}
    assert elsewhere.request("POST", "/login", form, Content_Type=FORM, **headers).status in (401, 403)


def test_a_cookie_behind_tls_is_for_tls_alone(remote, make_console):
    form = urlencode({"user": "ana", "password": PASSWORD})
    plain = remote.request("POST", "/login", form, Content_Type=FORM)
    assert "Secure" not in plain.headers["Set-Cookie"]
    assert plain.headers["Set-Cookie"].startswith(f"worker_console_{remote.address.split(':')[1]}=")
    secure = remote.request("POST", "/login", form, Content_Type=FORM, Origin=f"https://{remote.address}")
    assert secure.headers["Set-Cookie"].endswith("; Secure")
