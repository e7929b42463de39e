"""Headless Chromium, as an operator's browser."""

import shutil
from importlib import resources

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from support import wait_until

AXE = resources.files("axe_core_python").joinpath("axe.min.js")


class Browser:
    def __init__(self, width=1440, height=1000, scripts=True):
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--mute-audio",
        ]:
            options.add_argument(argument)
        # Those of a test's proxy are its own.
        options.accept_insecure_certs = True
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        # A little less than Selenium waits for an answer of the driver's.
        self.driver.set_page_load_timeout(110)
        self.driver.set_script_timeout(110)
        self.look_like(width, height)

    def close(self):
        self.driver.quit()

    def look_like(self, width=1440, height=1000, dark=False):
        """The window's size, and the theme that its user prefers."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
        )

    def open(self, url):
        self.driver.get(url)

    def keep_downloads(self, folder):
        behavior = {"behavior": "allow", "downloadPath": str(folder)}
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behavior)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def find_all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def button(self, text):
        [found] = [button for button in self.find_all("button") if button.is_displayed() and button.text == text]
        return found

    def press(self, text):
        """A button that leads to another page."""
        self.leave(lambda: self.button(text))

    def follow(self, css):
        """A link to another page."""
        self.leave(lambda: self.find(css))

    def leave(self, find):
        """Clicks, and waits for the page that comes: what the one before it says is not to be taken for its own."""

        def is_clicked():
            try:
                find().click()
                return True
            except StaleElementReferenceException:
                return False  # A page that is live has replaced it in between.

        self.driver.execute_script("window.isLeft = true")
        wait_until(is_clicked, "it is clicked")
        wait_until(lambda: self.asks("return !window.isLeft"), "another page comes")

    def log_in(self, user, password):
        """At the form."""
        self.find('input[name="user"]').send_keys(user)
        self.find('input[name="password"]').send_keys(password)
        self.press("Log in")

    @property
    def text(self):
        # In one step: a page that loads itself anew has no element that lasts.
        return self.driver.execute_script("return document.body ? document.body.innerText : ''")

    def wait_for(self, text, deadline=120.0):
        script = "return document.body ? document.body.innerText : ''"
        wait_until(lambda: text in (self.asks(script) or ""), f"the page says {text!r}", deadline, interval=0.1)

    def wait_for_live(self):
        script = "return document.getElementById('live')?.textContent"
        wait_until(lambda: self.asks(script) == "Live", "the page is live")

    def asks(self, script):
        """What a script returns; None where the page is left meanwhile."""
        try:
            return self.driver.execute_script(script)
        except WebDriverException:
            return None

    def problems(self):
        """What a browser complains of: scripts that fail, and what the policy forbids."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def violations(self):
        """What axe finds that is serious."""
        # Through the protocol, for the page's policy lets no other script in.
        self.driver.execute_script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run({resultTypes: ['violations']}).then(done, done);"
        )
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def overflows(self):
        """By how many pixels the page is wider than the window."""
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))
