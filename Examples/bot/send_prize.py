"""Sends a prize, as a Discord bot does. It needs boto3, and the queue's URL in AWS_SQS_QUEUE_URL.

    python send_prize.py raffle-42/winner-1 --guild 123456789012345678 --user 987654321098765432 \
        --item cluid123abc --quantity 5
"""

import argparse
import json
import os

import boto3


def send_prize(sqs, queue_url, key, event, traceparent=None):
    """Sends an event and returns the message's ID. An event that is sent again with the same key is awarded once.

    key: identifies the prize, not the attempt: `raffle-42/winner-1`, the ID of the interaction or of your own record.
    traceparent: W3C trace context, which makes the worker's spans part of the bot's trace. With OpenTelemetry:
        carrier = {}
        opentelemetry.propagate.inject(carrier)
        traceparent = carrier.get("traceparent")
    """
    attributes = {"IdempotencyKey": {"DataType": "String", "StringValue": key}}
    if traceparent:
        attributes["traceparent"] = {"DataType": "String", "StringValue": traceparent}
    message = {"QueueUrl": queue_url, "MessageBody": json.dumps(event), "MessageAttributes": attributes}
    if queue_url.endswith(".fifo"):
        # A user's prizes are handled in order. SQS drops repeats for five minutes only; the key has no time limit.
        message |= {"MessageGroupId": event["discordUserId"], "MessageDeduplicationId": key}
    return sqs.send_message(**message)["MessageId"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("key", help="identifies the prize, such as raffle-42/winner-1")
    parser.add_argument("--guild", required=True, help="the Discord server's ID")
    parser.add_argument("--user", required=True, help="the winner's Discord ID: a number, not a name")
    prize = parser.add_mutually_exclusive_group(required=True)
    prize.add_argument("--item", help="the item type's ID")
    prize.add_argument("--character", help="the character's ID")
    parser.add_argument("--quantity", type=int, default=1)
    given = parser.parse_args()

    # IDs are strings: many languages lose the last digits of a Discord ID in a JSON number.
    event = {"discordGuildId": given.guild, "discordUserId": given.user}
    if given.item:
        event |= {"eventType": "ITEM_AWARDED", "itemTypeId": given.item, "quantity": given.quantity}
    else:
        event |= {"eventType": "CHARACTER_AWARDED", "characterId": given.character}
    queue_url = os.environ.get("AWS_SQS_QUEUE_URL") or parser.error("set AWS_SQS_QUEUE_URL to the queue's URL")
    print(send_prize(boto3.client("sqs"), queue_url, given.key, event, os.environ.get("TRACEPARENT")))


if __name__ == "__main__":
    main()
