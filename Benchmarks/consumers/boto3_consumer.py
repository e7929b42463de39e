"""A consumer by hand on boto3: threads that receive ten, check and decode each, do nothing, and delete ten.

It ends when a receive finds nothing. It asks for no attributes, having no use for them.
"""

import hashlib
import json
import os
import sys
import threading

import boto3
from botocore.config import Config

RECEIVERS = 8


def handle(body):
    award = json.loads(body)
    if award["eventType"] != "ITEM_AWARDED":
        raise ValueError("no handler for this event")
    for name in ("discordGuildId", "discordUserId"):
        identifier = award[name]
        if str(int(identifier)) != identifier or not 0 <= int(identifier) < 1 << 64:
            raise ValueError(f"{name}: expected a numeric Discord id")
    if not 1 <= len(award["itemTypeId"]) <= 128 or not award["itemTypeId"].isprintable():
        raise ValueError("itemTypeId: expected an id of 1 to 128 printable characters")
    if type(award["quantity"]) is not int or not 1 <= award["quantity"] <= 1_000_000_000:
        raise ValueError("quantity: expected a whole number from 1 to 1000000000")


def receive(client, queue):
    while True:
        answer = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=30)
        messages = answer.get("Messages")
        if not messages:
            return
        for message in messages:
            if hashlib.md5(message["Body"].encode()).hexdigest() != message["MD5OfBody"]:
                raise ValueError("a body does not match its MD5")
            handle(message["Body"])
        entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        deleted = client.delete_message_batch(QueueUrl=queue, Entries=entries)
        if deleted.get("Failed") or len(deleted["Successful"]) != len(entries):
            raise ValueError("not every message was deleted")


def main():
    client = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL_SQS"], config=Config(max_pool_connections=RECEIVERS))
    failures = []

    def run():
        try:
            receive(client, os.environ["AWS_SQS_QUEUE_URL"])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(RECEIVERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"a receiver failed: {failures[0]!r}")


if __name__ == "__main__":
    main()
