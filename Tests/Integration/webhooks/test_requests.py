"""What a receiver gets: the bytes that came, signed, under a name that stays the same."""

import json
import re
from pathlib import Path

import pytest
import yaml
from cloudevents.core.bindings import http as cloudevents
from standardwebhooks import Webhook, WebhookVerificationError

from support.receiver import OLD_SECRET, SECRET, Answer

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")

# Not as a JSON writer would put it.
BODY = '{ "eventType" : "WON",\n "name":"Grüße \\u00fc €", "amount": 1.50e0, "z": [ ] }'


def test_the_bytes_are_those_that_came_and_each_secret_verifies_them(post, queue, worker, receiver):
    post(secrets=[SECRET, "${HOOK_SECRET_OLD:-}", OLD_SECRET])
    queue.send(BODY, {"IdempotencyKey": 'win "1" \\ é'})
    worker.run_until_empty()
    (delivery,) = receiver.deliveries
    assert delivery.body == BODY.encode()
    assert delivery.path == "/hooks"
    assert delivery.headers["Content-Type"] == "application/json"
    assert delivery.headers["User-Agent"]
    headers = dict(delivery.headers)
    for secret in [SECRET, OLD_SECRET]:
        assert Webhook(secret).verify(delivery.body, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(delivery.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(delivery.body + b" ", headers)
    # A string of RFC 8941's; what is not ASCII is percent-encoded.
    assert delivery.key == '"WON/producer:win \\"1\\" \\\\ %C3%A9"'


def test_the_webhook_of_the_readme_is_posted_and_signed(queue, worker, receiver):
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    first, *_ = re.findall(r"```yaml\n(.*?)```", readme.partition("\n## Write a handler in any language\n")[2], re.DOTALL)
    routes = yaml.safe_load(first)["routes"]
    [(event_type, route)] = routes.items()
    assert route["handler"] == "http.post"
    worker.environment["HOOK_SECRET"] = SECRET
    del worker.routes["plugins"]
    worker.routes["routes"] = routes
    assert worker.command("check", "--routes", worker.write_routes()).succeeded()
    # But for its address, which is nobody's.
    route["with"] |= {"url": f"{receiver.address}/hooks/raffle", "privateNetwork": True}
    queue.send({"eventType": event_type, "userId": "42"})
    worker.run_until_empty()
    (delivery,) = receiver.deliveries
    assert Webhook(SECRET).verify(delivery.body, dict(delivery.headers))["userId"] == "42"


def test_without_secrets_there_is_no_signature(post, queue, worker, receiver):
    post()
    queue.send(BODY)
    worker.run_until_empty()
    (delivery,) = receiver.deliveries
    assert delivery.headers["webhook-id"] and "webhook-signature" not in delivery.headers


def test_an_event_keeps_its_name_and_each_attempt_has_its_time(post, queue, worker, receiver):
    post(secrets=[SECRET])
    post("LOST", secrets=[SECRET])
    worker.routes["routes"]["WON"]["retry"] = {"base": "2s", "factor": 1, "max": "2s", "jitter": "none"}
    receiver.respond = lambda delivery: Answer(500 if len(receiver.deliveries) == 1 else 200)
    running = worker.start()
    queue.send({"eventType": "WON"}, {"IdempotencyKey": "1"})
    receiver.wait_for(1)
    # Handled meanwhile, it shows that the first failed alone. It has the same key, and is another event.
    queue.send({"eventType": "LOST"}, {"IdempotencyKey": "1"})
    receiver.wait_for(3)
    running.stop()
    first, again = [delivery for delivery in receiver.deliveries if delivery.json["eventType"] == "WON"]
    (other,) = [delivery for delivery in receiver.deliveries if delivery.json["eventType"] == "LOST"]
    assert first.headers["webhook-id"] == again.headers["webhook-id"] != other.headers["webhook-id"]
    assert first.key == again.key == '"WON/producer:1"' and other.key == '"LOST/producer:1"'
    assert int(again.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    for delivery in (first, again):
        assert abs(int(delivery.headers["webhook-timestamp"]) - delivery.at) < 30
        Webhook(SECRET).verify(delivery.body, dict(delivery.headers))


def test_headers_of_its_own_and_the_producers_trace_go_along(post, queue, worker, receiver):
    worker.environment["HOOK_TOKEN"] = "token-1234"
    post(headers={"Authorization": "Bearer ${HOOK_TOKEN}", "User-Agent": "bot"})
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    queue.send({"eventType": "WON"}, {"traceparent": parent})
    queue.send({"eventType": "WON"}, {"traceparent": "evil, and long"})
    worker.run_until_empty()
    assert len(receiver.deliveries) == 2
    for delivery in receiver.deliveries:
        assert delivery.headers["Authorization"] == "Bearer token-1234"
        assert delivery.headers.get_all("User-Agent") == ["bot"]
    assert {delivery.headers["traceparent"] for delivery in receiver.deliveries} == {parent, None}


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_cloudevents(mode, post, queue, worker, receiver):
    event_type = 'WON "€" 100%'
    post(event_type, format=f"cloudevents-{mode}", secrets=[SECRET])
    body = json.dumps({"eventType": event_type, "name": "Grüße", "n": [1, 2.5, None]}, ensure_ascii=False)
    queue.send(body, {"IdempotencyKey": "1"})
    worker.run_until_empty()
    (delivery,) = receiver.deliveries
    message = cloudevents.HTTPMessage(headers=dict(delivery.headers), body=delivery.body)
    event = cloudevents.from_http_event(message)
    assert event.get_specversion() == "1.0"
    assert event.get_type() == event_type
    assert event.get_id() == delivery.headers["webhook-id"]
    assert event.get_source() == f"/queues/{queue.name}"
    assert event.get_time() is not None
    assert event.get_datacontenttype() == "application/json"
    data = event.get_data()
    assert (json.loads(data) if isinstance(data, (bytes, str)) else data) == json.loads(body)
    if mode == "binary":
        assert delivery.body == body.encode()
        assert delivery.headers["Content-Type"] == "application/json"
    else:
        assert delivery.headers["Content-Type"].startswith("application/cloudevents+json")
    Webhook(SECRET).verify(delivery.body, dict(delivery.headers))


def test_one_connection_carries_one_event_after_the_other(post, queue, worker, receiver):
    worker.settings["concurrency"] = 1
    post()
    for number in range(20):
        queue.send({"eventType": "WON", "number": number})
    worker.run_until_empty()
    assert len(receiver.deliveries) == 20
    assert len({delivery.connection for delivery in receiver.deliveries}) == 1


def test_secrets_are_shown_nowhere_though_the_receiver_repeats_them(
    post, queue, worker, receiver, fails_at_once
):
    secrets = ["token-1234567", "path-secret-0123456789", "query-secret-1", SECRET.removeprefix("whsec_")]
    worker.environment["HOOK_TOKEN"] = secrets[0]
    post(
        url=f"{receiver.address}/{secrets[1]}?key={secrets[2]}",
        headers={"Authorization": "Bearer ${HOOK_TOKEN}"},
        secrets=[SECRET],
        errors=fails_at_once,
    )
    worker.routes["tracing"] = {"spanNames": "sqs"}

    def repeat(delivery):
        secrets.append(delivery.headers["webhook-signature"])
        return Answer(422, f"you sent {delivery.path} {delivery.headers} {SECRET}")

    receiver.respond = repeat
    queue.send({"eventType": "WON"})
    output = worker.run_until_empty("--log-level", "trace").output
    letter = queue.dead_letter()
    assert letter.failure["received"].startswith("you sent /…")
    output += worker.command("check", "--routes", worker.write_routes()).succeeded().output
    output += worker.command("doctor", "--routes", worker.write_routes()).output
    output += json.dumps(letter.attributes)
    for secret in secrets:
        assert secret not in output


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"secrets": ["whsec_c2VjcmV0"]}, r"secrets\[0\] must be whsec_ and the base64 of 24 to 64"),
        ({"headers": {"webhook-id": "c2VjcmV0"}}, "headers.*the worker sets itself"),
        ({"outcomes": {"4xx": "hanlded"}}, "did you mean `handled`"),
        ({"url": "https://user:c2VjcmV0@bot.example/"}, "no user name and no password"),
        ({"url": "http://169.254.169.254/c2VjcmV0"}, "link-local"),
    ],
)
def test_a_wrong_option_is_reported_with_its_line_and_without_its_value(option, problem, post, worker):
    post(**option)
    failed = worker.command("check", "--routes", worker.write_routes()).failed()
    assert failed.code == 78
    assert re.search(rf"routes.yaml:\d+:\d+: .*{problem}", failed.output)
    assert "c2VjcmV0" not in failed.output
