"""Requests as they go over the wire, for what no client sends or shows."""

import http.client
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def credential(region):
    """An Authorization header of that region; its signature is none."""
    scope = f"local/20260101/{region}/sqs/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def xml(self, path):
        """The text of the element at a path of names below the root; None where it is not."""
        return ElementTree.fromstring(self.body).findtext("/".join(NAMESPACE + name for name in path.split("/")))

    @property
    def root(self):
        return ElementTree.fromstring(self.body).tag.removeprefix(NAMESPACE)


class Http:
    def __init__(self, endpoint):
        self.address = endpoint.removeprefix("http://")

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=120)

    def request(self, method, path, body=b"", **headers):
        """Names of headers are written with underscores."""
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def json(self, operation, arguments, **headers):
        """An operation of AWS JSON 1.0; arguments that are text go as they are."""
        body = arguments if isinstance(arguments, (str, bytes)) else json.dumps(arguments)
        headers = {
            "Content_Type": "application/x-amz-json-1.0",
            "X_Amz_Target": f"AmazonSQS.{operation}",
            "Authorization": credential("us-east-1"),
            **headers,
        }
        return self.request("POST", "/", body, **{name: value for name, value in headers.items() if value is not None})

    def query(self, action, path="/", **arguments):
        """An action of the Query protocol; names of arguments are written with underscores for dots."""
        form = {"Action": action, "Version": "2012-11-05"}
        form |= {name.replace("_", "."): value for name, value in arguments.items()}
        return self.form(form, path)

    def form(self, form, path="/", **headers):
        body = form if isinstance(form, (str, bytes)) else urllib.parse.urlencode(form)
        headers = {
            "Content_Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Authorization": credential("us-east-1"),
            **headers,
        }
        return self.request("POST", path, body, **headers)
