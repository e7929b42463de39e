"""Who may look at the console, and who may act; and what an outsider tries."""

import base64
import concurrent.futures
import http.client
import re
import resource
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest

from support import wait_until
from support.console import FORM, Console

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def hashed(binary):
    import subprocess

    done = subprocess.run([binary, "admin", "password"], input=PASSWORD + "\n", capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def guarded(make_console, hashed):
    """One whose users have to log in."""
    return make_console(
        users={"ana": {"role": "operator", "password": hashed}, "rea": {"role": "reader", "password": hashed}}
    ).ready()


def basic(user, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_on_loopback_everyone_may_look_and_act(console):
    assert "Overview" in console.page("/")
    assert console.api("/api/session")["role"] == "operator"
    assert console.submit("/diagnosis")[0] == "/"


def test_a_page_elsewhere_can_make_a_browser_do_nothing(console):
    token = console.token
    form = urlencode({"_token": token})
    for headers in [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"},
    ]:
        answer = console.request("POST", "/dead-letters/refresh", form, Content_Type=FORM, **headers)
        assert answer.status == 403, headers
        answer = console.request("POST", "/api/dead-letters/refresh", "{}", X_CSRF_Token=token, **headers)
        assert answer.status == 403, headers
    # What a page elsewhere embeds is not given to it, and a link that is followed is.
    assert console.get("/api/session", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403
    assert console.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe").status == 403
    assert console.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document").status == 200


def test_a_link_elsewhere_costs_no_receive(console, queue):
    queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="{}")
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert "This cost" not in console.page("/dead-letters", **link)
    assert console.seen()["received"] == 0


def test_without_the_token_nothing_changes(console):
    for token in ["", "x", console.token[:-1]]:
        answer = console.request("POST", "/diagnosis", urlencode({"_token": token}), Content_Type=FORM)
        assert answer.status == 403
        answer = console.request("POST", "/api/dead-letters/refresh", "{}", X_CSRF_Token=token)
        assert (answer.status, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert console.seen()["received"] == 0


def test_another_name_for_this_machine_is_refused(console):
    for path in ["/", "/api/session", "/login", "/assets/console.css"]:
        answer = console.get(path, Host="rebound.example")
        assert answer.status == 403, path
        is_problem = answer.headers["Content-Type"] == "application/problem+json"
        assert is_problem == path.startswith("/api/"), "scripts get the form of the API's errors"


def test_every_answer_forbids_scripts_frames_and_guesses(console):
    for path in ["/", "/flow", "/dead-letters", "/nothing", "/api/session", "/assets/console.js", "/login"]:
        headers = console.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ["/", "/flow", "/routes", "/dead-letters", "/jobs", "/audit", "/discarded"]:
        page = console.page(path)
        assert not re.search(r'<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:|(?:src|href|action)="(?!/|data:,|#)', page), path


def test_off_loopback_nothing_but_metrics_and_health_is_served_without_users(worker, prizes):
    running = worker.start("--admin", "0.0.0.0:0")
    console = Console(running)
    for path in ["/", "/flow", "/api/overview", "/dead-letters", "/assets/console.js"]:
        answer = console.get(path)
        assert answer.status == 403, path
        assert b"admin password" in answer.body
    assert console.get("/metrics").status == 200
    assert console.get("/health/live").status == 200
    assert "there are no admin.users" in running.log()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "0.0.0.0:0"])
def test_another_address_leaves_the_rest_of_the_section_as_it_is(make_console, hashed, address):
    console = make_console("--admin", address, users={"ana": {"role": "operator", "password": hashed}}).ready()
    assert console.get("/api/session").status == 401
    assert console.log_in("ana", PASSWORD).status == 303
    assert console.api("/api/session")["user"] == "ana"


def test_another_address_leaves_the_proxy_trusted(make_console):
    console = make_console("--admin", "127.0.0.1:0", proxy={"header": "X-Forwarded-User", "addresses": ["127.0.0.1"]})
    assert console.get("/api/session").status == 401
    assert console.api("/api/session", X_Forwarded_User="ana")["user"] == "ana"


def test_whoever_has_not_logged_in_is_sent_to_the_form(guarded):
    answer = guarded.get("/flow?route=X")
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fflow%3Froute%3DX")
    assert guarded.get("/api/overview").status == 401
    assert guarded.get("/live/overview").status == 401
    assert guarded.get("/metrics").status == 200


def test_an_operator_logs_in_and_out(guarded):
    answer = guarded.log_in("ana", PASSWORD)
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert guarded.api("/api/session")["user"] == "ana"
    token = guarded.token
    assert guarded.request("POST", "/logout", urlencode({"_token": token}), Content_Type=FORM).status == 303
    assert guarded.get("/api/session").status == 401


def test_a_reader_may_look_and_not_act(guarded):
    guarded.log_in("rea", PASSWORD)
    page = guarded.page("/dead-letters")
    form = urlencode({"_token": guarded.token})
    assert guarded.request("POST", "/diagnosis", form, Content_Type=FORM).status == 403
    assert "Redrive" not in page and 'action="/dead-letters/refresh"' not in page
    for path, body in [("/api/dead-letters/refresh", "{}"), ("/api/plans", '{"action":"discard","all":true}')]:
        assert guarded.request("POST", path, body, X_CSRF_Token=guarded.token).status == 403
    assert guarded.seen()["received"] == 0


def test_a_script_sends_its_password(guarded):
    assert guarded.get("/api/overview", Authorization=basic("rea")).status == 200
    assert guarded.get("/api/overview", Authorization=basic("rea", "wrong")).status == 401
    # No page can make a browser send that, so there is no token.
    assert guarded.request("POST", "/api/dead-letters/refresh", "{}", Authorization=basic("ana")).status in (200, 202)
    assert "WWW-Authenticate" in guarded.get("/api/overview").headers
    assert "Basic" not in guarded.get("/api/overview").headers["WWW-Authenticate"]


def test_a_forged_cookie_opens_nothing(guarded):
    name = f"worker_console_{guarded.address.split(':')[1]}"
    for cookie in [f"{name}=", f"{name}=ana", f"{name}=" + "A" * 43, f"{name}=" + "x" * 5000]:
        assert guarded.get("/api/session", Cookie=cookie).status in (401, 431), cookie[:40]


def test_guessed_passwords_are_slowed_down(guarded):
    statuses = [guarded.log_in("ana", f"guess {number}").status for number in range(5)]
    assert statuses == [401] * 5
    # Each further guess doubles the wait. Where a guess takes long, the first waits are over when it is answered.
    wait = 0
    for number in range(5, 15):
        guess = guarded.log_in("ana", f"guess {number}")
        assert guess.status in (401, 429)
        wait = int(guess.headers["Retry-After"]) if guess.status == 429 else 0
        # In whole seconds, begun ones counted: long enough that it is not over before the next is asked.
        if wait > 3:
            break
        time.sleep(wait)
    assert wait > 3
    refused = guarded.log_in("ana", PASSWORD)
    assert refused.status == 429 and int(refused.headers["Retry-After"]) >= 1
    assert guarded.get("/health/live").status == 200
    # It passes.
    time.sleep(int(refused.headers["Retry-After"]) + 0.1)
    assert guarded.log_in("ana", PASSWORD).status == 303
    failures = [entry for entry in guarded.api("/api/audit")["entries"] if entry["action"] == "failed to log in"]
    assert 1 <= len(failures) < 5 and failures[-1]["details"]["address"] == "127.0.0.1"


def test_many_guesses_at_once_do_not_take_the_machine(guarded):
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        guesses = [pool.submit(Console(guarded.running).log_in, f"user {number}", "guess") for number in range(30)]
        start = time.monotonic()
        assert guarded.get("/health/live").status == 200
        assert time.monotonic() - start < 20
        assert {guess.result().status for guess in guesses} <= {401, 429}


def test_a_proxy_is_believed_from_its_address_alone(make_console):
    named = {"X_Forwarded_User": "ana"}
    trusted = make_console(proxy={"header": "X-Forwarded-User", "addresses": ["127.0.0.1"], "operators": ["ana"]})
    assert trusted.api("/api/session", **named)["role"] == "operator"
    assert trusted.api("/api/session", X_Forwarded_User="bob")["role"] == "reader"
    assert trusted.get("/api/session").status == 401
    elsewhere = make_console(proxy={"header": "X-Forwarded-User", "addresses": ["192.0.2.1"], "operators": ["ana"]})
    assert elsewhere.get("/api/session", **named).status == 401


def test_wrong_users_are_named_and_their_hashes_are_not(worker):
    worker.routes["admin"] = {"users": {"ana": {"role": "owner", "password": "hunter2hunter2"}}}
    finished = worker.command("check", "--routes", worker.write_routes())
    assert finished.code == 78
    assert "admin.users" in finished.stderr and "worker admin password" in finished.stderr
    assert "hunter2" not in finished.output


def test_a_short_password_is_not_hashed(binary):
    import subprocess

    done = subprocess.run([binary, "admin", "password"], input="short\n", capture_output=True, text=True)
    assert done.returncode == 1 and "8 characters" in done.stderr


@pytest.fixture
def many_descriptors():
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


def test_health_and_metrics_answer_beside_a_thousand_connections(console, many_descriptors):
    with ExitStack() as open_ones:
        for number in range(1000):
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", int(console.address.split(":")[1]))))
            # Some are silent, and some send a request that never ends.
            if number % 2:
                try:
                    connection.sendall(b"POST /plans HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx")
                except OSError:
                    pass
        for path in ["/health/live", "/health/ready", "/metrics"]:
            assert console.get(path).status == 200, path


def test_live_pages_are_limited_so_that_others_are_answered(console):
    with ExitStack() as open_ones:
        statuses = []
        for _ in range(40):
            connection = http.client.HTTPConnection(console.address, timeout=30)
            open_ones.callback(connection.close)
            connection.request("GET", "/live/overview")
            statuses.append(connection.getresponse().status)
        assert statuses[:32] == [200] * 32 and statuses[32:] == [503] * 8
        assert console.get("/health/live").status == 200
        assert "Overview" in console.page("/")
    # Whoever has gone makes room.
    def has_room():
        connection = http.client.HTTPConnection(console.address, timeout=30)
        connection.request("GET", "/live/overview")
        status = connection.getresponse().status
        connection.close()
        return status == 200

    wait_until(has_room, "there is room again")


def test_a_body_that_is_too_large_is_refused(console):
    answer = console.request("POST", "/plans", b"x" * (5 << 20), Content_Type=FORM)
    assert answer.status == 413
