"""The last failure that the redrive policy allows is dead-lettered by the worker, which says why; what it cannot send is left
to the queue's own move."""

import json
from datetime import UTC, datetime

import pytest

from support import wait_until
from support.receiver import Answer, Receiver
from support.trials import Trials, trial


@pytest.fixture
def make_trials(binary, tmp_path):
    made = []

    def make(queue, **retry):
        trials = Trials(binary, tmp_path, queue.url)
        trials.outage.touch()
        trials.routes["defaults"]["retry"] = {"base": "1s", "factor": 1, "max": "1s", "jitter": "none"} | retry
        made.append(trials)
        return trials

    yield make
    for trials in made:
        trials.close()


def failing(trials, name="unlucky", kind="unexpected"):
    return trial(name, failWhile=str(trials.outage), failKind=kind)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_the_letter_has_every_attempt(queue, make_trials):
    trials = make_trials(queue)
    began = datetime.now(UTC).replace(microsecond=0)
    running = trials.start()
    message = queue.send(failing(trials), {"source": "bot"})
    letter, = queue.wait_for_dead_letters(1)
    running.stop()
    failure = letter.failure
    assert (failure["kind"], failure["receiveCount"], failure["messageId"]) == ("unexpected", 3, message)
    assert letter.attributes["source"] == "bot"
    attempts = failure["attempts"]
    assert [attempt["kind"] for attempt in attempts] == ["unexpected"] * 3
    assert {attempt["message"] for attempt in attempts} == {failure["message"]}
    times = [moment(attempt["at"]) for attempt in attempts]
    assert began <= times[0] < times[1] < times[2] <= datetime.now(UTC)
    assert queue.size() == 0
    assert "event failed at its last receive" in running.log()


@pytest.mark.parametrize(("allowed", "kept"), [(1, 1), (7, 5)])
def test_as_many_attempts_as_the_policy_allows_and_the_last_five_of_them(allowed, kept, make_queue, make_trials):
    queue = make_queue(max_receive_count=allowed)
    trials = make_trials(queue, base="100ms", max="100ms")
    running = trials.start()
    queue.send(failing(trials))
    letter, = queue.wait_for_dead_letters(1)
    running.stop()
    assert letter.failure["receiveCount"] == allowed
    assert len(letter.failure["attempts"]) == kept


def test_a_failure_that_is_final_at_once_is_its_only_attempt(queue, make_trials):
    trials = make_trials(queue)
    queue.send(failing(trials, kind="conflict"))
    trials.run_until_empty()
    attempt, = queue.dead_letter().failure["attempts"]
    assert attempt["kind"] == "conflict"


def test_the_command_shows_them(queue, make_trials):
    trials = make_trials(queue)
    queue.send(failing(trials))
    trials.run_until_empty()
    listed = json.loads(trials.command("dead-letters", "list", "--routes", trials.write_routes(), "--json").stdout)
    letter, = listed["deadLetters"]
    assert letter["kind"] == "unexpected"
    shown = trials.command("dead-letters", "show", letter["id"], "--routes", trials.write_routes()).succeeded().stdout
    attempts = [line.split(maxsplit=1) for line in shown.splitlines() if line.startswith("attempt ")]
    assert len(attempts) == 3
    assert all(": the trial's dependency is gone" in text and ", unexpected" in text for _, text in attempts)


def test_what_may_not_be_sent_is_left_to_the_queue(queue, make_trials, proxy):
    """The log says it once, however many they are."""
    trials = make_trials(queue)
    trials.environment["AWS_ENDPOINT_URL_SQS"] = proxy.endpoint
    denied = 403, json.dumps({"__type": "com.amazonaws.sqs#AccessDenied", "message": "No."}).encode()
    proxy.on_request = lambda operation, body: denied if operation.startswith("SendMessage") else None
    sent = {queue.send(failing(trials, name)) for name in range(12)}
    running = trials.start()
    letters = queue.wait_for_dead_letters(12)
    running.stop()
    assert {letter.id for letter in letters} == sent, "the redrive policy keeps the ids"
    assert all("WorkerFailure" not in letter.attributes for letter in letters)
    said = [line for line in running.log().splitlines() if "could not be sent to the dead-letter queue" in line]
    assert 1 <= len(said) <= 6, "a few of twelve, and a line that counts the rest"


def test_a_process_that_is_killed_leaves_it_to_the_queue(make_queue, make_trials):
    queue = make_queue(max_receive_count=2)
    trials = make_trials(queue)
    # Long enough that the first worker does not receive it again before it is killed.
    trials.settings["visibilityTimeout"] = "3s"
    message = queue.send(trial("slow", waitSeconds=60))
    for _ in range(2):
        running = trials.start()
        wait_until(lambda: "trial begins" in running.log(), "its handler runs")
        running.kill()
    # The receive that finds it has used them up.
    trials.run_until_empty()
    letter = queue.dead_letter()
    assert letter.id == message and "WorkerFailure" not in letter.attributes


def test_an_outage_at_the_last_receive_dead_letters_nothing(make_queue, make_trials):
    queue = make_queue(max_receive_count=1)
    trials = make_trials(queue)
    trials.down.touch()
    event = failing(trials, kind="unavailable") | {"eventType": "GUARDED"}
    message = queue.send(event)
    running = trials.start()
    wait_until(lambda: "the plugin is down" in running.log(), "the breaker opens")
    trials.outage.unlink()
    trials.down.unlink()
    queue.wait_until_empty()
    running.stop()
    assert trials.recorded == ["unlucky"]
    assert queue.dead_letters() == []
    assert queue.receive_count(message) <= 1


def test_in_a_fifo_group_each_try_in_hand_counts(make_queue, make_trials):
    queue = make_queue(suffix=".fifo")
    trials = make_trials(queue, base="100ms", max="100ms")
    for number, event in enumerate([failing(trials), trial("second")]):
        queue.send(event, MessageGroupId="group", MessageDeduplicationId=str(number))
    queue.send(failing(trials, "alone"), MessageGroupId="another", MessageDeduplicationId="another")
    running = trials.start()
    letters = queue.wait_for_dead_letters(2)
    queue.wait_until_empty()
    running.stop()
    assert trials.recorded == ["second"]
    assert [len(letter.failure["attempts"]) for letter in letters] == [3, 3]
    # The one was tried again in flight, for it had another behind it.
    assert sorted(letter.failure["receiveCount"] for letter in letters) == [1, 3]


def test_a_retry_after_at_the_last_receive_is_too_late(make_queue, make_worker):
    queue = make_queue(max_receive_count=1)
    worker = make_worker(queue)
    receiver = Receiver()
    receiver.respond = lambda delivery: Answer(429, "slow down", Retry_After="3600")
    del worker.routes["plugins"]
    options = {"url": f"{receiver.address}/", "privateNetwork": True, "outcomes": {"429": "unexpected"}}
    worker.routes["routes"] = {"WON": {"handler": "http.post", "with": options}}
    queue.send({"eventType": "WON"})
    worker.run_until_empty()
    receiver.close()
    failure = queue.dead_letter().failure
    assert "429" in failure["message"] and failure["received"] == "slow down"
    assert len(failure["attempts"]) == 1
