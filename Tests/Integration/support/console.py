"""The console of a running worker, as a script and as a form of its pages talk to it."""

import html
import json
import re
from urllib.parse import urlencode

from support import wait_until
from support.admin import Admin

FORM = "application/x-www-form-urlencoded"
TOKEN = re.compile(r'name="_token" value="([^"]*)"')


class Console(Admin):
    def __init__(self, running, **headers):
        super().__init__(running)
        self.headers = headers

    def request(self, method, path, body=b"", **headers):
        return super().request(method, path, body, **{**self.headers, **headers})

    def ready(self):
        wait_until(lambda: self.readiness()[0] == 200, "the worker is ready")
        return self

    @property
    def token(self):
        return self.api("/api/session")["csrfToken"]

    def api(self, path, body=None, status=None, **headers):
        """What the API answers; with a body by POST, with the token."""
        if body is None:
            answer = self.request("GET", path, **headers)
        else:
            headers = {"Content_Type": "application/json", "X_CSRF_Token": self.token, **headers}
            answer = self.request("POST", path, json.dumps(body), **headers)
        assert answer.status == status if status else answer.status < 300, (answer.status, answer.body)
        return json.loads(answer.body)

    def page(self, path, **headers):
        answer = self.get(path, **headers)
        assert answer.status == 200, (answer.status, answer.body)
        return answer.body.decode()

    def submit(self, path, fields=(), **headers):
        """Sends a page's form, and follows where it leads."""
        fields = [("_token", self.token), *(fields.items() if isinstance(fields, dict) else fields)]
        answer = self.request("POST", path, urlencode(fields), Content_Type=FORM, **headers)
        if answer.status == 303:
            return answer.headers["Location"], self.page(answer.headers["Location"])
        assert answer.status == 200, (answer.status, answer.body)
        return path, answer.body.decode()

    def log_in(self, user, password):
        body = urlencode({"user": user, "password": password})
        answer = self.request("POST", "/login", body, Content_Type=FORM)
        if answer.status == 303:
            self.headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0]
        return answer

    def refresh(self, **asked):
        """The dead letters, looked at anew."""
        self.api("/api/dead-letters/refresh", asked)
        return wait_until(lambda: self.seen(), "the dead letters were looked at")

    def seen(self, query=""):
        found = self.api(f"/api/dead-letters?limit=1000{query}")
        return None if found["isReading"] else found

    def carry_out(self, **plan):
        """Confirms a plan, and waits until it was carried out."""
        made = self.api("/api/plans", plan, status=201)
        job = self.api(f"/api/plans/{made['id']}/confirm", {}, status=202)
        return self.finish(job["id"])

    def finish(self, job):
        return wait_until(lambda: self.over(job), "the job is over", deadline=180)

    def over(self, job):
        found = self.api(f"/api/jobs/{job}")
        return found if found["state"] in ("done", "stopped", "aborted") else None


def text_of(page):
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))
