"""Messages as no producer should send them, drawn at random."""

import base64
import json
from dataclasses import dataclass, field

from support.events import CAST, COIN, SWORD, UNLINKED, account_linked, character, item

MIB = 1_048_576
TEXT = 'abc{}[]":,\\/ \n\t\r0123456789.eE+-_é√🎲\u202e\u0301\ufeff\u2028'
NASTY = [
    "NaN", "-Infinity", "1e400", "-0", "0x10", "1_000", "9" * 400, "0." + "9" * 400, "9007199254740993",
    "18446744073709551616", "-9223372036854775809", "1E-400", '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\q"',
    '"' + "A" * 5000 + '"', "null", "true", "[]", "{}", '""', "'a'", "/* */1", "1,", ",", "undefined", "\ufeff1",
]  # fmt: skip
LARGE = [
    ('{"eventType":"ITEM_AWARDED","itemTypeId":"', "x", '"}'),
    ('{"', "k", '":1}'),
    ("", " ", "{}"),
    ("", "1", ""),
    ("", "[", ""),
    ("", '{"a":', ""),
    ("", '"', ""),
    # Small, for what a worker that was built for debugging takes to read 500,000 numbers: eight seconds.
    ("[", "1," * 30_000 + "1]" + " " * 2000, ""),
]


@dataclass
class Hostile:
    number: int
    body: str
    attributes: dict = field(default_factory=dict)
    system: dict = field(default_factory=dict)

    def entry(self, id):
        entry = {"Id": str(id), "MessageBody": self.body}
        if self.attributes:
            entry["MessageAttributes"] = self.attributes
        if self.system:
            entry["MessageSystemAttributes"] = self.system
        return entry

    @property
    def size(self):
        values = (value.get("StringValue") or value.get("BinaryValue") or "" for value in self.attributes.values())
        return len(json.dumps(self.body)) + sum(len(json.dumps(value)) + 300 for value in values)


class Fuzzer:
    def __init__(self, random):
        self.random = random

    def draw(self, number):
        spoiled = [self._mutated, self._mutated, self._with_nasty_value, self._twice]
        body = self.random.choice([*spoiled, self._tree, self._noise, self._deep, self._good])()
        return Hostile(number, body, self._attributes(number), self._system())

    def large(self, number, kind):
        """Of all that SQS takes; but for one kind, with room for the failure."""
        before, middle, after = LARGE[kind]
        size = MIB if kind == 0 else MIB - 8192
        return Hostile(number, before + middle * ((size - len(before) - len(after)) // len(middle)) + after)

    def _event(self):
        random = self.random
        quantity = random.choice([1, 2, 1000, 1001, 2**53])
        return random.choice(
            [
                item(quantity=quantity, type=random.choice([COIN, SWORD])),
                item(user=str(random.randrange(10**18, 10**19))),
                character(random.choice(CAST)),
                account_linked(str(random.randrange(10**18)), "somebody"),
            ]
        )

    def _good(self):
        return json.dumps(self._event(), ensure_ascii=self.random.random() < 0.5)

    def _text(self, most=40):
        return "".join(self.random.choices(TEXT, k=self.random.randrange(most)))

    def _mutated(self):
        text = self._good()
        for _ in range(self.random.randint(1, 4)):
            start = self.random.randrange(len(text) + 1)
            end = min(len(text), start + self.random.randrange(8))
            new = self.random.choice(["", self._text(6), text[start:end] * 2, self.random.choice(NASTY)])
            text = text[:start] + new + text[end:]
        return text or "."

    def _with_nasty_value(self):
        event = self._event()
        name = self.random.choice([*event, "other"])
        return json.dumps({**event, name: "@@"}).replace('"@@"', self.random.choice(NASTY))

    def _twice(self):
        """Keys that come again, with another value or in another spelling."""
        event = self._event()
        name = self.random.choice(list(event))
        spelled = self.random.choice([f'"{name}"', '"' + "".join(f"\\u{ord(letter):04x}" for letter in name) + '"'])
        again = f"{spelled}: {self.random.choice([*NASTY, json.dumps(event[name]), json.dumps(UNLINKED)])}"
        text = json.dumps(event)
        return f"{{{again}, {text[1:]}" if self.random.random() < 0.5 else f"{text[:-1]}, {again}}}"

    def _tree(self, depth=0):
        random = self.random
        kind = random.randrange(6 if depth < 6 else 4)
        if kind == 4:
            return "[" + ",".join(self._tree(depth + 1) for _ in range(random.randrange(5))) + "]"
        if kind == 5:
            members = (f"{json.dumps(self._text(8))}:{self._tree(depth + 1)}" for _ in range(random.randrange(5)))
            return "{" + ",".join(members) + "}"
        return random.choice(NASTY) if kind < 2 else json.dumps(self._text(), ensure_ascii=False)

    def _noise(self):
        # Also what SQS refuses: controls, surrogates and U+FFFF.
        ranges = [(1, 0x20), (0x20, 0x7F), (0x80, 0x800), (0xD7F0, 0xE010), (0xFFF0, 0x10010), (0x1F300, 0x1F600)]
        chosen = self.random.choices(ranges, weights=[1, 60, 10, 1, 1, 5], k=self.random.randint(1, 60))
        return "".join(chr(self.random.randrange(*each)) for each in chosen)

    def _deep(self):
        depth = self.random.choice([100, 511, 513, 5_000, 20_000])
        opening, closing = self.random.choice([("[", "]"), ('{"a":', "}"), ('[{"eventType":', "}]")])
        nested = opening * depth + "1" + closing * self.random.choice([0, depth - 1, depth])
        place = self.random.choice(["{}", '{{"eventType":{}}}', '{{"eventType":"ITEM_AWARDED","quantity":{}}}'])
        return place.format(nested)

    def _attributes(self, number):
        random = self.random
        attributes = {} if random.random() < 0.05 else {"case": {"DataType": "Number", "StringValue": str(number)}}
        for _ in range(random.choice([0, 0, 1, 2, 9])):
            name = random.choice(["IdempotencyKey", "WorkerFailure", "traceparent", "tracestate", "baggage"])
            if random.random() < 0.5:
                name = "".join(random.choices("abcXYZ_-019", k=random.choice([1, 5, 256])))
            attributes[name] = self._attribute(name, number)
        return attributes

    def _attribute(self, name, number):
        random = self.random
        # Each key is one event's: two under one key would be one prize.
        if random.random() < 0.25:
            value = base64.b64encode(str(number).encode() + random.randbytes(random.choice([1, 20, 3000]))).decode()
            return {"DataType": random.choice(["Binary", "Binary.gzip"]), "BinaryValue": value}
        if random.random() < 0.15:
            value = random.choice([f"{number}", f"{number}e99", f"-{number}.0"])
            return {"DataType": random.choice(["Number", "Number.float"]), "StringValue": value}
        texts = [f"{number} {self._text()}", f"{number} " + "k" * random.choice([250, 257, 5000])]
        if name == "WorkerFailure":
            forged = {"messageId": f"forged-{number}", "idempotencyKey": f"forged:{number}", "receiveCount": 10**30}
            texts += ["{", "[" * 5000, json.dumps(forged), json.dumps({"messageId": f"forged-{number}"}), "null"]
        elif name == "traceparent":
            texts += [f"00-{'0' * 32}-{'0' * 16}-01", f"00-{'a' * 32}-{'b' * 16}-01", f"ff-{'Z' * 32}-1-1"]
        return {"DataType": random.choice(["String", "String.json"]), "StringValue": random.choice(texts)}

    def _system(self):
        if self.random.random() > 0.1:
            return {}
        value = self.random.choice(["Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "Root=", self._text() or "x"])
        return {"AWSTraceHeader": {"DataType": "String", "StringValue": value}}
