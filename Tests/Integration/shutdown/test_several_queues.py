"""Several queues in one process: one that fails stops the others as a signal does."""

import pytest

from support.proxy import Proxy
from support.trials import Trials, trial

pytestmark = pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
MISSING = b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}'


def test_what_the_others_have_in_hand_is_finished(binary, server, queue, make_queue, tmp_path):
    trials = Trials(binary, tmp_path, queue.url)
    other = make_queue()
    proxy = Proxy(server.endpoint)
    try:
        asked = []

        # It exists when the process starts, and is gone while an event of the first queue is handled.
        def answer(operation, body):
            asked.append(operation)
            if asked.count("GetQueueAttributes") < 2:
                return None

            def answer_late(exchange):
                queue.wait_until_received(message)
                exchange.answer(400, MISSING)

            return answer_late

        proxy.on_request = answer
        url = other.url.replace(server.endpoint, proxy.endpoint)
        trials.routes["queues"]["other"] = {"url": url, "region": "us-east-1"}
        message = queue.send(trial("first", waitSeconds=6))
        running = trials.start()
        assert running.wait() == 1
        assert "QueueDoesNotExist" in running.log()
        assert trials.recorded == ["first"]
        assert queue.size() == 0
    finally:
        proxy.close()
        trials.close()
