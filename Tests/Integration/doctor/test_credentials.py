"""Whose credentials they are. moto is STS."""

import json
import time

import pytest

from support.sqs import loaded_sts

ROLE = "arn:aws:iam::123456789012:role/bot"

# Which queue it is does not matter here.
pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def sts(servers, worker):
    worker.environment["AWS_ENDPOINT_URL_STS"] = loaded_sts(servers("moto").endpoint)


def configure(worker, text):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del worker.environment[name]
    path = worker.folder / ".aws" / "config"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_whose_they_are(doctor, worker, sts, prizes):
    worker.environment |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush-hush"}
    message = doctor().one("credentials", "ok")["message"]
    assert message.startswith("arn:aws:sts::123456789012:")
    assert "AKIA…MPLE" in message and "AWS_ACCESS_KEY_ID" in message
    assert "AKIAIOSFODNN7EXAMPLE" not in message and "hush" not in message


def test_sts_is_not_asked_for_a_local_queue(doctor, worker, prizes):
    # A proxy that is not there would make any question to the outside fail.
    worker.environment |= {"https_proxy": "http://127.0.0.1:9"}
    assert "STS is not asked" in doctor().is_well().one("credentials", "ok")["message"]


def test_an_endpoint_for_everything_may_be_a_queue_alone(doctor, worker, server, prizes):
    worker.environment["AWS_ENDPOINT_URL"] = server.endpoint
    assert "not known" in doctor().is_well().one("credentials", "ok")["message"]


def test_an_sts_that_cannot_be_asked_is_a_warning(doctor, worker, prizes):
    worker.environment["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:9"
    report = doctor()
    assert report.code == 0
    assert report.one("credentials", "warning")
    assert report.one("queue", "ok")


def test_a_role_says_when_it_ends(doctor, worker, sts, prizes):
    configure(
        worker,
        f"[default]\nrole_arn = {ROLE}\nsource_profile = keys\n"
        "[profile keys]\naws_access_key_id = AKIALOCAL\naws_secret_access_key = hush-hush\n",
    )
    message = doctor().one("credentials", "ok")["message"]
    assert "assumed-role/bot" in message and "profile default" in message
    assert f"good until {time.strftime('%Y-', time.gmtime(time.time() + 3600))}" in message


def test_credentials_that_have_expired(doctor, worker, prizes):
    answer = worker.folder / "answer.json"
    past = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    answer.write_text(
        json.dumps({"Version": 1, "AccessKeyId": "AKIALOCAL", "SecretAccessKey": "hush-hush", "Expiration": past})
    )
    configure(worker, f"[default]\ncredential_process = cat {answer}\n")
    report = doctor()
    assert report.code == 1
    assert "expired" in report.one("credentials", "wrong")["message"]
    assert report.one("queue", "skipped")["message"] == "not tried, because there are no credentials"


def test_none_at_all(doctor, worker, prizes):
    configure(worker, "")
    report = doctor()
    assert report.code == 1
    assert "AWS_ACCESS_KEY_ID" in report.one("credentials", "wrong")["message"]
    assert report.one("clock", "ok") and report.of("plugin")
