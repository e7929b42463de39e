"""The API against its own description: Schemathesis makes requests of it, right ones and wrong ones."""

import subprocess
import sys
import time

import jsonschema
import pytest

from support import wait_until
from support.events import item


def test_the_description_names_every_path_and_no_other(console):
    described = console.api("/api/openapi.json")
    assert described["openapi"].startswith("3.1")
    for path, methods in described["paths"].items():
        for method in methods:
            answer = console.request(method.upper(), path.replace("{", "").replace("}", ""), X_CSRF_Token="wrong")
            assert answer.status != 405, (method, path)
            assert answer.status != 404 or "{" in path, (method, path)


@pytest.mark.parametrize("path", ["session", "overview", "routes", "flow", "dead-letters", "jobs", "discarded", "audit"])
def test_answers_are_as_they_are_described(console, queue, path):
    queue.send(item())
    wait_until(lambda: console.api("/api/flow")["events"], "an event has passed")
    described = console.api("/api/openapi.json")
    answer = described["paths"][f"/api/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = {**answer, "components": described["components"]}
    jsonschema.Draft202012Validator(schema).validate(console.api(f"/api/{path}"))


def test_scripts_have_the_doctor_look_anew_and_see_a_plan_again(console, queue):
    before = wait_until(lambda: console.api("/api/overview").get("diagnosedAt"), "the doctor has looked")
    time.sleep(1.1)  # Its time is told in whole seconds.
    console.api("/api/diagnosis", {}, status=202)
    wait_until(lambda: console.api("/api/overview")["diagnosedAt"] > before, "it has looked again")
    queue.sqs.send_message(QueueUrl=queue.dead_letter_url, MessageBody="{}")
    wait_until(lambda: console.refresh()["found"] == 1, "the dead letter is seen")
    plan = console.api("/api/plans", {"action": "discard", "all": True}, status=201)
    assert console.api(f"/api/plans/{plan['id']}") == plan
    assert {"diagnosis"} <= {entry["action"] for entry in console.api("/api/audit")["entries"]}


def test_schemathesis_finds_nothing(console, tmp_path):
    command = [
        f"{sys.prefix}/bin/schemathesis", "run", f"http://{console.address}/api/openapi.json",
        "--header", f"X-CSRF-Token: {console.token}",
        "--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "1", "--workers", "1",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--generation-deterministic", "--no-color", "--request-timeout", "120",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
