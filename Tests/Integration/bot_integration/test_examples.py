"""The bots of `Examples/bot`: what they send is granted once, and carries their trace."""

import os
import shutil
import subprocess
import sys

import pytest

from support.events import CATALOG, COIN, EXAMPLES, UNLINKED
from support.prizes import Prizes

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# It stands in for the AWS SDK, which comes from npm: the same names, and the request that the real one makes.
SDK = """
export class SQSClient {
  async send(command) {
    const answer = await fetch(process.env.AWS_ENDPOINT_URL_SQS, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": `AmazonSQS.${command.operation}`,
      },
      body: JSON.stringify(command.input),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }
}

export class SendMessageCommand {
  operation = "SendMessage";
  constructor(input) { this.input = input; }
}
"""


@pytest.fixture
def python_bot():
    def command(key, item, quantity):
        options = ["--guild", "123456789012345678", "--user", UNLINKED, "--item", item, "--quantity", quantity]
        return [sys.executable, EXAMPLES / "bot/send_prize.py", key, *options]

    return command


@pytest.fixture
def javascript_bot(tmp_path):
    node = shutil.which("node")
    # It has `fetch` from version 18 on.
    major = node and int(subprocess.check_output([node, "--version"], text=True).lstrip("v").split(".")[0])
    if not node or major < 18:
        pytest.skip("there is no Node.js 18 or later here: `apt-get install nodejs`, or https://nodejs.org")
    package = tmp_path / "node_modules/@aws-sdk/client-sqs"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(SDK)
    bot = shutil.copy(EXAMPLES / "bot/send-prize.mjs", tmp_path)
    return lambda key, item, quantity: [node, bot, key, UNLINKED, item, quantity]


@pytest.mark.parametrize("server", ["LocalQueue"], indirect=True, scope="session")
@pytest.mark.parametrize("language", ["python", "javascript"])
@pytest.mark.parametrize("suffix", ["", ".fifo"], ids=["standard", "FIFO"])
def test_a_prize_sent_twice_is_granted_once(language, suffix, request, server, make_queue, make_worker):
    bot = request.getfixturevalue(f"{language}_bot")
    queue = make_queue(suffix)
    worker = make_worker(queue)
    prizes = Prizes(worker)
    prizes.import_catalog(CATALOG)

    def send(key, item, quantity="1"):
        environment = {
            **worker.environment,
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_SQS": server.endpoint,
            "TRACEPARENT": f"00-{TRACE}-00f067aa0ba902b7-01",
        }
        sent = subprocess.run(
            [str(part) for part in bot(key, item, quantity)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert sent.returncode == 0, sent.stderr
        return sent.stdout.strip()

    assert send("raffle-42/winner-1", COIN, "5")
    send("raffle-42/winner-1", COIN, "5")
    send("raffle-42/winner-2", COIN, "2")
    unknown = send("raffle-42/winner-3", "cluid000zzz")
    worker.run_until_empty()

    assert prizes.pending(UNLINKED) == {COIN: 7}
    failure = queue.dead_letter().failure
    assert failure["messageId"] == unknown
    assert failure["traceId"] == TRACE
