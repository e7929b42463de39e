"""The console in a browser: what is live, what is hostile, and what can be read by everyone."""

import http.client
import json
import shutil
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

from support import wait_until
from support.events import item

if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("chromium and its driver are not here", allow_module_level=True)

from support.browser import Browser

PASSWORD = "correct horse battery staple"
HOSTILE = '<script>document.title="owned"</script><img src=x onerror="document.title=1">\u202e'


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def page(browser, console):
    browser.look_like()
    browser.driver.delete_all_cookies()
    # What it complained of before, of another test's console that ended, is none of this test's.
    browser.problems()

    def open_page(path, within=browser):
        within.open(f"http://{console.address}{path}")
        return within

    yield open_page
    browser.open("about:blank")


def dead_letters(console, queue, *events):
    for event in events:
        queue.send(event)
    wait_until(lambda: len(console.api("/api/flow?limit=1000")["events"]) >= len(events), "all were handled")
    wait_until(lambda: console.refresh()["found"] == len(events), "they are dead letters")


def test_pages_are_live(page, console, queue):
    browser = page("/flow")
    browser.wait_for_live()
    id = queue.send(item())
    browser.wait_for(id)
    browser.button("Pause").click()
    # By what is said of the page: the form has a box of that name.
    wait_until(lambda: browser.find("#live").text == "Paused", "the page is paused")
    other = queue.send(item())
    wait_until(lambda: len(console.api("/api/flow")["events"]) == 2, "another has passed")
    assert other not in browser.text
    browser.button("Go on").click()
    browser.wait_for_live()
    page("/routes").wait_for_live()
    queue.send(item())
    script = "return [...document.querySelectorAll('#routes td.number')].map((cell) => cell.textContent)"
    wait_until(lambda: "3" in browser.driver.execute_script(script), "the count is live")
    assert browser.problems() == []


def test_the_overview_is_live(page, console, queue):
    browser = page("/")
    browser.wait_for_live()
    browser.driver.execute_script("window.loaded = 'once'")
    queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="{}")
    browser.wait_for("1 dead letters")
    assert browser.driver.execute_script("return window.loaded") == "once", "the page was not loaded anew"
    assert browser.problems() == []


def test_a_search_narrows_the_list(page, console, queue):
    dead_letters(console, queue, item(quantity=-1), item(type="missing"), item(type="missing"))
    browser = page("/dead-letters")
    assert len(browser.find_all("td a code")) == 3
    browser.find("input[name=q]").send_keys("quantity\": -1\n")
    wait_until(lambda: len(browser.find_all("td a code")) == 1, "one is left")
    assert browser.problems() == []


def test_a_page_that_finds_no_room_is_live_later(page, console):
    with ExitStack() as stack:
        for _ in range(32):
            connection = http.client.HTTPConnection(console.address, timeout=30)
            stack.callback(connection.close)
            connection.request("GET", "/live/overview")
            assert connection.getresponse().status == 200
        browser = page("/flow")
        browser.wait_for("Not live: the worker does not answer")
    browser.wait_for_live()
    assert all("503" in problem for problem in browser.problems())


@pytest.mark.parametrize("prizes", ["sqlite", "postgres"], indirect=True)
def test_an_operator_redrives_by_the_page_alone(page, console, queue, prizes):
    dead_letters(console, queue, item(quantity=-1), item(quantity=-1), item(type="missing"))
    browser = page("/dead-letters")
    browser.follow('a[href*="group="]')
    wait_until(lambda: browser.find_all('a[aria-current="true"]'), "the group is chosen")
    browser.follow("td a code")
    browser.wait_for("Edit and redrive")
    body = browser.find("textarea")
    assert json.loads(body.get_attribute("value")) == item(quantity=-1)
    browser.driver.execute_script("arguments[0].value = arguments[1]", body, json.dumps(item(quantity=4)))
    browser.press("Check what changes")
    browser.wait_for("The event's schema accepts it.")
    browser.press("Redrive 1")
    browser.wait_for("1 were handled")
    assert prizes.waiting_quantity(item()["discordUserId"]) == 4
    # The rest is discarded, and comes back.
    page("/dead-letters")
    browser.find("input[data-all]").click()
    browser.press("Discard")
    browser.wait_for("Discard 2 of")
    browser.press("Discard 2")
    browser.wait_for("2 of 2 gone")
    page("/discarded")
    browser.find("input[data-all]").click()
    browser.press("Restore the selected ones")
    browser.wait_for("Restored 2.")
    assert console.refresh()["found"] == 2
    page(f"/plugins/prizes/holdings?id={item()['discordUserId']}").wait_for("Gold coin")
    assert browser.problems() == []


def test_of_two_operators_with_one_plan_one_carries_it_out(browser, page, console, queue):
    dead_letters(console, queue, item(quantity=-1), item(quantity=-2))
    with closing(Browser()) as other:
        for each in (browser, other):
            page("/dead-letters", within=each)
            each.find("input[data-all]").click()
            each.press("Discard")
            each.wait_for("Discard 2 of")
        browser.press("Discard 2")
        browser.wait_for("2 of 2 gone")
        other.press("Discard 2")
        other.wait_for("it is gone, or in flight elsewhere")
        # Waited for as well: the page of a job that is over loads itself anew, and says nothing meanwhile.
        other.wait_for("0 of 2 gone")
        assert other.problems() == []
    assert browser.problems() == []


def test_what_is_selected_is_exported(browser, page, console, queue, tmp_path):
    dead_letters(console, queue, item(quantity=-1), item(quantity=-2), item(type="missing"))
    page("/dead-letters")
    browser.keep_downloads(tmp_path)
    first, second, _ = browser.find_all('input[name="id"]')
    chosen = {box.get_attribute("value") for box in (first, second)}
    first.click()
    second.click()
    # The page stays.
    browser.button("Export").click()
    [file] = wait_until(lambda: list(tmp_path.glob("*.jsonl")), "the file is there")
    wait_until(lambda: file.read_text().count("\n") == 2, "it is whole")
    assert {json.loads(line)["id"] for line in file.read_text().splitlines()} == chosen
    browser.open(f"http://{console.address}/audit")
    assert "2 by id" in browser.text
    assert browser.problems() == []


def test_a_job_is_aborted(browser, page, console, queue, prizes):
    dead_letters(console, queue, *(item(type="missing") for _ in range(30)))
    prizes.learn("missing")
    with prizes.locked():
        # The first does not come to its end, so the stage waits.
        page("/dead-letters")
        browser.find("input[data-all]").click()
        browser.press("Redrive")
        browser.press("Redrive 30")
        [job] = console.api("/api/jobs")["jobs"]
        wait_until(lambda: console.api(f"/api/jobs/{job['id']}")["gone"] >= 1, "the first is redriven")
        browser.press("Abort")
        browser.wait_for("aborted")
    gone = console.api(f"/api/jobs/{job['id']}")["gone"]
    browser.wait_for(f"{gone} of 30 gone")
    assert gone < 30 and console.refresh()["found"] == 30 - gone
    assert browser.problems() == []


def test_hostile_letters_are_shown_as_text(page, console, queue):
    huge = json.dumps({"eventType": "NOBODY", "x": "<b>" * 300_000})
    event = {"eventType": HOSTILE, "number": 12345678901234567890, HOSTILE: "\x01\x1b[31m\x7f"}
    dead_letters(console, queue, event, huge)
    browser = page("/dead-letters")
    title = browser.driver.title
    for letter in console.seen()["deadLetters"]:
        page(f"/dead-letters/{queue.name}/{letter['id']}")
        assert browser.driver.title.startswith("Dead letter")
        assert browser.find_all("main b, main img, main script") == []
        assert "<script>" in browser.text or "<b><b>" in browser.text
        assert "12345678901234567890" in browser.text or "<b><b>" in browser.text
    page("/flow")
    assert title.startswith("Dead letters") and browser.driver.title.startswith("Flow")
    assert browser.find_all("main img, main script") == []
    assert browser.problems() == []


def test_a_session_that_is_over_leads_to_the_form_and_back(browser, make_console, binary):
    import subprocess

    done = subprocess.run([binary, "admin", "password"], input=PASSWORD, capture_output=True, text=True, check=True)
    console = make_console(users={"ana": {"role": "operator", "password": done.stdout.strip()}}).ready()
    browser.open(f"http://{console.address}/flow")
    browser.log_in("ana", "wrong one")
    browser.wait_for("The user or the password is wrong.")
    assert browser.violations() == []
    browser.log_in("ana", PASSWORD)
    browser.wait_for("operator")
    assert urlsplit(browser.driver.current_url).path == "/flow"
    browser.wait_for_live()
    [cookie] = browser.driver.get_cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    # It ends elsewhere: the page that is open notices, and asks anew.
    console.headers["Cookie"] = f"{cookie['name']}={cookie['value']}"
    console.request("POST", "/logout", f"_token={console.token}", Content_Type="application/x-www-form-urlencoded")
    browser.wait_for("Password")
    assert urlsplit(browser.driver.current_url).path == "/login"


def test_every_page_can_be_used_by_everyone(page, console, queue):
    """By axe, in both themes; and none is wider than a telephone."""
    dead_letters(console, queue, item(quantity=-1), item(type="missing"), {"eventType": "NOBODY" * 10})
    letter = console.seen()["deadLetters"][0]["id"]
    plan = console.api("/api/plans", {"action": "redrive", "ids": [letter]}, status=201)["id"]
    edit = {"action": "redrive", "ids": [letter], "body": json.dumps(item())}
    edited = console.api("/api/plans", edit, status=201)["id"]
    job = console.carry_out(action="discard", ids=[console.seen()["deadLetters"][1]["id"]])["id"]
    paths = [
        "/", "/flow", "/routes", "/dead-letters", f"/dead-letters/{queue.name}/{letter}", f"/plans/{plan}",
        f"/plans/{edited}", "/jobs", f"/jobs/{job}", "/discarded", "/audit", "/nothing",
    ]
    paths += [path for path in console.page("/").split('"') if path.startswith("/plugins/")]
    wait_until(lambda: "The doctor is running" not in console.page("/"), "the doctor has run")
    found = {}
    for path in paths:
        browser = page(path)
        for dark in (False, True):
            browser.look_like(1440, 1000, dark=dark)
            if violations := browser.violations():
                found[f"{path} {'dark' if dark else 'light'}"] = violations
        browser.look_like(390, 844)
        if browser.overflows() > 0:
            found[f"{path} on a telephone"] = browser.overflows()
        browser.look_like()
    assert found == {}


def test_the_keyboard_is_enough(page, console, queue):
    from selenium.webdriver.common.keys import Keys

    dead_letters(console, queue, item(type="missing"))
    browser = page("/")
    browser.find("body").send_keys(Keys.TAB)
    focused = browser.driver.switch_to.active_element
    assert focused.text == "Skip to the content"
    focused.send_keys(Keys.ENTER)
    wait_until(lambda: browser.driver.switch_to.active_element.get_attribute("id") == "main", "the content has the focus")
    page("/dead-letters")
    names = []
    for _ in range(40):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        element = browser.driver.switch_to.active_element
        names.append(element.get_attribute("value") or element.text)
    assert {"redrive", "discard", "export"} <= set(names)


def test_without_scripts_everything_but_what_is_live_works(console, queue, prizes):
    dead_letters(console, queue, item(quantity=-1))
    browser = Browser(scripts=False)
    try:
        browser.open(f"http://{console.address}/dead-letters")
        browser.find('input[name="id"]').click()
        browser.press("Discard")
        browser.wait_for("Discard 1 of")
        browser.press("Discard 1")
        browser.wait_for("1 of 1 gone")
        browser.open(f"http://{console.address}/flow?outcome=deadLetter")
        # In the rows: the form has the word, too. And the page loads itself anew every five seconds.
        rows = "return document.getElementById('flow').innerText"
        wait_until(lambda: "dead-lettered" in (browser.asks(rows) or ""), "the flow has it")
    finally:
        browser.close()
