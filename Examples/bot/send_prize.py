"""Sends a prize, as a Discord bot does. `pip install boto3`, and AWS_SQS_QUEUE_URL says where to.

    python send_prize.py raffle-42/winner-1 --guild 123456789012345678 --user 987654321098765432 \
        --item cluid123abc --quantity 5
"""

import argparse
import json
import os

import boto3


def send_prize(sqs, queue_url, key, event, traceparent=None):
    """Sends an event, and returns the message's id. Sent again with the same key, it is granted once.

    key: names the occasion, not the attempt: `raffle-42/winner-1`, the id of the interaction, of your own record.
    traceparent: W3C's, so that the worker's spans join the bot's trace. With OpenTelemetry:
        carrier = {}
        opentelemetry.propagate.inject(carrier)
        traceparent = carrier.get("traceparent")
    """
    attributes = {"IdempotencyKey": {"DataType": "String", "StringValue": key}}
    if traceparent:
        attributes["traceparent"] = {"DataType": "String", "StringValue": traceparent}
    message = {"QueueUrl": queue_url, "MessageBody": json.dumps(event), "MessageAttributes": attributes}
    if queue_url.endswith(".fifo"):
        # One user's prizes stay in order; the key also keeps SQS from taking a message twice within five minutes.
        message |= {"MessageGroupId": event["discordUserId"], "MessageDeduplicationId": key}
    return sqs.send_message(**message)["MessageId"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("key", help="names the occasion: raffle-42/winner-1")
    parser.add_argument("--guild", required=True, help="the Discord server's id")
    parser.add_argument("--user", required=True, help="the winner's Discord id: a number, not a name")
    prize = parser.add_mutually_exclusive_group(required=True)
    prize.add_argument("--item", help="the item type's id")
    prize.add_argument("--character", help="the character's id")
    parser.add_argument("--quantity", type=int, default=1)
    given = parser.parse_args()

    # Ids are texts: a JSON number loses a Discord id's last digits in many languages.
    event = {"discordGuildId": given.guild, "discordUserId": given.user}
    if given.item:
        event |= {"eventType": "ITEM_AWARDED", "itemTypeId": given.item, "quantity": given.quantity}
    else:
        event |= {"eventType": "CHARACTER_AWARDED", "characterId": given.character}
    queue_url = os.environ.get("AWS_SQS_QUEUE_URL") or parser.error("set AWS_SQS_QUEUE_URL to the queue's URL")
    print(send_prize(boto3.client("sqs"), queue_url, given.key, event, os.environ.get("TRACEPARENT")))


if __name__ == "__main__":
    main()
