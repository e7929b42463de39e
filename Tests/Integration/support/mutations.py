"""A queue whose answers are damaged at random on their way: in their bytes, in their JSON, or in their HTTP."""

import base64
import copy
import json
import re
import threading
from collections import Counter

DEEP = [b"[", b'{"a":', b'"', b"\\"]
NO_UTF_8 = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x00", b"\xf5\x80\x80\x80"]
STATUSES = [100, 101, 199, 204, 205, 206, 301, 304, 307, 404, 408, 429, 500, 599, 999]
NO_STATUS_LINES = [b"HTTP/1.1", b"HTTP/9.9 200 OK", b"HTTP/1.1 two", b"HTTP/1.1 -200 ", b"ICY 200 OK", b"\x16\x03\x01"]
NASTY = [
    None, True, "", [], {}, [[]], 5, -1, 0.5, 10**400, -(2**63) - 1, 2**64, 1e308, "\u0000", "\ud800", "é" * 50,
    "9" * 400, "1e400", "NaN", "x" * 70_000, {"Messages": [{}]}, [None] * 2000, "arn:aws:sqs:us-east-1:000000000000:no-such-queue",
]  # fmt: skip
CODES = [
    "ReceiptHandleIsInvalid", "InvalidParameterValue", "AccessDenied", "OverLimit", "RequestThrottled", "InternalError",
    "ServiceUnavailable", "ExpiredToken", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "MessageNotInflight", "",
    "é;#;", "com.amazonaws.sqs#", "#", "AWS.SimpleQueueService.", "x" * 5000,
]  # fmt: skip
HEADERS = [
    b"Content-Length: -5", b"Content-Length: 99999999999999999999", b"Content-Length: five", b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Encoding: gzip", b"no colon at all",
    b": no name", b"x" * 20_000 + b": y", b"X-Long: " + b"y" * 90_000, b"X-Nul: a\x00b", b"\xff\xfe: \xfd", b" folded",
    b"Location: http://127.0.0.1:1/", b"Connection: upgrade\r\nUpgrade: h2c", b"Date: Fri, 99 Foo 2027 99:00:00 GMT",
    b"Date: Fri, 15 Jan 2100 09:00:00 GMT", b"x-amzn-query-error: ;", b"x-amzn-query-error: \xff\xff",
    b"x-amzn-RequestId: ",
]  # fmt: skip


class Mutator:
    """Damages every second answer or so, while it is told to."""

    def __init__(self, random):
        self.active = False
        self.count = Counter()
        """How many answers were damaged, by their operations."""
        self._random = random
        self._lock = threading.Lock()

    def __call__(self, operation, body):
        with self._lock:
            if not self.active or self._random.random() < 0.5:
                return None
            self.count[operation] += 1
        return self._meet

    def _meet(self, exchange):
        status, body = exchange.forward()
        with self._lock:
            raw = self._damaged(exchange.operation, status, body)
            stays_open = self._random.random() < 0.02
        exchange.write(raw)
        if stays_open:
            exchange.wait_for_hangup()
        else:
            exchange.close()

    def _damaged(self, operation, status, body):
        while True:
            kind = self._random.choice([self._bytes, self._bytes, self._json, self._json, self._http])
            damaged = kind(operation, status, body)
            if not hides_damage(body, damaged.partition(b"\r\n\r\n")[2]):
                return damaged

    def _bytes(self, operation, status, body):
        random = self._random
        start = random.randrange(len(body) + 1)
        end = min(len(body), start + random.randint(1, random.choice([1, 8, 300])))
        place = random.randrange(len(body) + 1)
        match random.randrange(7):
            case 0 if body:
                start = min(start, len(body) - 1)
                body = body[:start] + bytes([body[start] ^ 1 << random.randrange(8)]) + body[start + 1 :]
            case 1:
                body = body[:start] + body[end:]
            case 2:
                body = body[:place] + body[start:end] + body[place:]
            case 3:
                body = body[:start] + random.randbytes(end - start) + body[end:]
            case 4:
                body = body[:start]
            case 5:
                body = body[:start] + random.choice(NO_UTF_8) + body[start:]
            case _:
                depth = random.choice([100, 1000, 100_000])
                body = body[:start] + random.choice(DEEP) * depth + body[start:]
        return plain(status, body)

    def _json(self, operation, status, body):
        random = self._random
        try:
            answer = json.loads(body or b"{}")
        except ValueError:
            return plain(status, b"")
        if random.random() < 0.3:
            answer, status = self._other_outcome(operation, answer, status)
        else:
            answer = self._replaced(answer)
        headers = {}
        if status != 200 and random.random() < 0.5:
            headers["x-amzn-query-error"] = f"{random.choice(CODES)};Sender".encode("ascii", "replace").decode()
        return plain(status, json.dumps(answer).encode("utf-8", "surrogatepass"), headers)

    def _replaced(self, answer):
        """With one value somewhere that is another, is gone, or has another name."""
        random = self._random
        answer = copy.deepcopy(answer)
        places = list(members(answer))
        if not places:
            return random.choice(NASTY)
        container, key = random.choice(places)
        match random.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[random.choice([key.lower(), key + "s", "", key[:-1]])] = container.pop(key)
            case 2 if isinstance(container[key], str):
                container[key] = container[key].swapcase() if random.random() < 0.5 else container[key][:-1]
            case _:
                container[key] = random.choice(NASTY)
        return answer

    def _other_outcome(self, operation, answer, status):
        """What is well-formed, and not true: ids of nobody, entries twice, failures of what was done."""
        random = self._random
        done = answer.get("Successful") or []
        if done and random.random() < 0.7:
            for entry in done:
                entry["Id"] = random.choice([entry["Id"], random.choice(done)["Id"], "10", "-1", "x", ""])
            chosen = random.sample(done, random.randint(0, len(done)))
            failed = [{"Id": each["Id"], "Code": random.choice(CODES), "SenderFault": True} for each in chosen]
            return {"Successful": [each for each in done if each not in chosen], "Failed": failed}, status
        messages = answer.get("Messages") or []
        if messages and random.random() < 0.7:
            return {"Messages": messages + random.choices(messages, k=random.choice([1, 10, 100]))}, status
        code = random.choice(CODES)
        error = {"__type": random.choice([code, f"com.amazonaws.sqs#{code}", 5]), "message": "no"}
        return error, random.choice([400, 403, 500])

    def _http(self, operation, status, body):
        random = self._random
        length = b"Content-Length: %d" % len(body)
        match random.randrange(9):
            case 0:
                wrong = random.choice([len(body) + 1, len(body) * 2 + 9, len(body) - 1, len(body) // 2, 0, 10**9])
                return head(200, b"Content-Length: %d" % max(0, wrong)) + body
            case 1:
                headers = [length, *random.sample(HEADERS, random.randint(1, 3))]
                return head(status, *random.sample(headers, 2)) + body
            case 2:
                return head(random.choice(STATUSES), length) + body
            case 3:
                return random.choice(NO_STATUS_LINES) + b"\r\n" + length + b"\r\n\r\n" + body
            case 4:
                size = b"%x" % len(body)
                size = random.choice([size, b"-1", b"zz", b"ffffffffffffffffff", b"", size + b";a=\xff"])
                end = random.choice([b"\r\n0\r\n\r\n", b"", b"\r\nzz\r\n", b"\r\n0\r\nX: y\r\n\r\n"])
                return head(200, b"Transfer-Encoding: chunked") + size + b"\r\n" + body + end
            case 5:
                return head(100) * random.choice([1, 50]) + head(status, length) + body
            case 6:
                return head(200, length, *[b"X-%d: y" % number for number in range(2000)]) + body
            case 7:
                return random.randbytes(random.choice([1, 100, 5000]))
            case _:
                return head(200) + body


def head(status, *headers):
    return b"\r\n".join([b"HTTP/1.1 %d Whatever" % status, *headers, b"", b""])


def plain(status, body, headers=None):
    lines = [f"{name}: {value}".encode() for name, value in (headers or {}).items()]
    return head(status, b"Content-Length: %d" % len(body), *lines) + body


def members(value):
    """Each place in a JSON value, as what holds it and its name or number there."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(pairs):
        yield value, key
        yield from members(member)


def hides_damage(original, damaged):
    """Whether a message has lost a digest together with what it is of, or is put together of two messages: nobody could see that."""
    known = read_messages(original)
    for message in read_messages(damaged):
        if message.get("EqualNames"):
            return True
        for digest, name in [("MD5OfBody", "Body"), ("MD5OfMessageAttributes", "MessageAttributes")]:
            if digest not in message and all(text(message, name) != text(each, name) for each in known):
                return True
        sources = [each for each in known if text(each, "Body") == text(message, "Body")]
        others = [each for each in known if text(each, "MessageAttributes") == text(message, "MessageAttributes")]
        if sources and others and not any(each in others for each in sources):
            return True
        handle = message.get("ReceiptHandle")
        if sources and is_handle(handle) and all(each.get("ReceiptHandle") != handle for each in sources):
            return True
    return False


def read_messages(body):
    try:
        # As lenient as any reader may be.
        answer = json.loads(body.decode("utf-8", "surrogateescape"), strict=False, object_pairs_hook=keep_equal_names)
        return [each for each in answer["Messages"] if isinstance(each, dict)]
    except (ValueError, RecursionError, KeyError, TypeError):
        return []


def keep_equal_names(pairs):
    """Of equal names, readers take the first or the last."""
    value = dict(pairs)
    if len(value) < len(pairs) and value.keys() & {"Body", "ReceiptHandle"}:
        value["EqualNames"] = True
    return value


def text(message, name):
    return json.dumps(message.get(name), sort_keys=True)


def is_handle(value):
    """The local queue's handles are short: with one bit changed, one can be another message's."""
    try:
        return re.fullmatch(rb"receipt\.\d+\.\d+\.\d+", base64.b64decode(value)) is not None
    except (ValueError, TypeError):
        return False
