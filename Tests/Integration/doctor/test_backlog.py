"""A backlog that does not become smaller, and whether the worker that is there has slots free for it."""

import json

import pytest

from ports import free_port
from support import wait_until
from support.admin import Admin
from support.trials import Trials, trial

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")


@pytest.fixture
def trials(binary, tmp_path, queue):
    worker = Trials(binary, tmp_path, queue.url)
    worker.routes["admin"] = {"port": free_port()}
    yield worker
    worker.close()


def backlog(trials):
    """What the doctor says of it."""
    shown = trials.command("doctor", "--json", "--routes", trials.write_routes())
    return [finding for finding in json.loads(shown.stdout)["findings"] if finding["check"] == "backlog"]


def send(queue, sqs, count, event_type="TRIAL", **fields):
    for start in range(0, count, 10):
        bodies = [json.dumps(trial(number, event_type, **fields)) for number in range(start, start + 10)]
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)


def test_where_all_slots_are_busy_more_are_advised(trials, queue, sqs):
    trials.settings["concurrency"] = 2
    # Longer than the doctor looks: the next messages would take the slots, and the backlog would become smaller.
    trials.routes["defaults"]["timeout"] = "300s"
    send(queue, sqs, 120, waitSeconds=300)
    admin = Admin(trials.start())
    wait_until(lambda: any(shown["busy"] == 2 for shown in admin.readiness()[1]["queues"]), "all slots are busy")
    [finding] = backlog(trials)
    assert finding["status"] == "warning"
    assert "(2 of 2)" in finding["message"]
    assert finding["remedy"] == [f"concurrency: 4   # queues.prizes of {trials.folder}/routes.yaml"]


@pytest.mark.parametrize(("max_messages", "remedy"), [(5, ["maxMessages: 10   # queues.prizes of {}/routes.yaml"]), (10, [])])
def test_where_slots_are_free_larger_receives_are_advised(trials, queue, sqs, max_messages, remedy):
    trials.settings.update(concurrency=2, maxMessages=max_messages)
    # While their plugin is down messages take up no slot, and ten for each slot are received.
    trials.down.touch()
    send(queue, sqs, 200, "GUARDED", failWhile=str(trials.down))
    admin = Admin(trials.start())

    def is_full():
        # Before it has started, it shows no queue.
        return any(shown["inFlight"] >= 20 and shown["busy"] == 0 for shown in admin.readiness()[1]["queues"])

    wait_until(is_full, "as many messages wait for the plugin as may be")
    [finding] = backlog(trials)
    assert finding["status"] == "warning"
    assert "slots free (0 of 2 are busy)" in finding["message"]
    assert f"http://127.0.0.1:{trials.routes['admin']['port']}/health/ready" in finding["message"]
    assert finding["remedy"] == [line.format(trials.folder) for line in remedy]


def test_a_worker_of_another_queue_is_none_of_this_one(trials, queue, sqs, make_queue):
    send(queue, sqs, 120)
    trials.settings["url"] = make_queue().url
    admin = Admin(trials.start())
    wait_until(lambda: admin.readiness()[0] == 200, "it receives")
    trials.settings["url"] = queue.url
    [finding] = backlog(trials)
    assert finding["status"] == "warning"
    assert "no worker answers" in finding["message"]


def test_where_no_worker_is_seen_the_doctor_says_so(trials, queue, sqs):
    send(queue, sqs, 120)
    [finding] = backlog(trials)
    assert "no worker answers" in finding["message"]
    del trials.routes["admin"]
    [finding] = backlog(trials)
    assert finding["remedy"][0].startswith("admin: {}")


def test_few_messages_are_no_backlog(trials, queue, sqs):
    send(queue, sqs, 90)
    assert backlog(trials) == []
