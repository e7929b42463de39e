"""Writes botocore-signatures.json: what botocore signs for a set of SQS requests.

Run it in the test environment (`.venv/bin/python make_signatures.py`) after changing the requests.
"""

import datetime
import json
import pathlib
import unittest.mock

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

DATE = datetime.datetime(2026, 8, 30, 12, 36, 0, tzinfo=datetime.timezone.utc)


class FixedDatetime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return DATE.replace(tzinfo=None)

    @classmethod
    def now(cls, tz=None):
        return DATE


REQUESTS = [
    ("us-east-1", "https://sqs.us-east-1.amazonaws.com/", "ReceiveMessage", '{"QueueUrl":"q"}', None),
    ("eu-central-1", "https://sqs.eu-central-1.amazonaws.com/", "DeleteMessageBatch", "{}", "token+/="),
    ("us-east-1", "http://localhost:4566/", "SendMessageBatch", '{"b":"Grüße, 世界 🎁"}', None),
    ("ap-southeast-2", "http://127.0.0.1:5000/", "GetQueueUrl", "", "a" * 900),
    ("us-east-1", "http://localhost:4566/sqs/", "GetQueueUrl", "{}", None),
    ("us-east-1", "http://localhost:4566/a%20queue/~x/", "GetQueueUrl", "{}", None),
]


def sign(region, url, operation, body, token):
    request = AWSRequest(
        method="POST",
        url=url,
        data=body.encode(),
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{operation}",
        },
    )
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    with unittest.mock.patch("datetime.datetime", FixedDatetime):
        SigV4Auth(credentials, "sqs", region).add_auth(request)
    return {
        "region": region,
        "host": url.split("/")[2],
        "path": "/" + url.split("/", 3)[3],
        "operation": operation,
        "body": body,
        "token": token,
        "date": request.headers["X-Amz-Date"],
        "authorization": request.headers["Authorization"],
    }


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("botocore-signatures.json")
    path.write_text(json.dumps([sign(*request) for request in REQUESTS], indent=2, ensure_ascii=False) + "\n")
