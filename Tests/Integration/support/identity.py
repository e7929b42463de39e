"""The keys by which producers name their events: of all types, and as what the worker must know them."""

import base64
import hashlib
import unicodedata
from dataclasses import dataclass

LONGEST = 256
"""In bytes; a longer key is known by its hash."""


@dataclass(frozen=True)
class Key:
    """The value of an IdempotencyKey."""

    value: str | bytes

    @property
    def stored(self):
        """As the worker writes it down; what the type is called plays no part."""
        kind, data, text = "producer", self.value, self.value
        if isinstance(self.value, bytes):
            kind, text = "producer-binary", base64.b64encode(self.value).decode()
        else:
            data = self.value.encode()
        return f"{kind}:{text}" if len(data) <= LONGEST else f"{kind}-sha256:{hashlib.sha256(data).hexdigest()}"

    def attribute(self, random):
        """As one message carries it: the same key comes under several names of its type."""
        if isinstance(self.value, bytes):
            return {"DataType": random.choice(["Binary", "Binary.uuid"]), "BinaryValue": self.value}
        types = ["String", "String.order"] + (["Number", "Number.int"] if self.value.isdigit() else [])
        return {"DataType": random.choice(types), "StringValue": self.value}


def draw_key(random, number):
    """One that no other number gets. What is easily taken for one key is two: texts and bytes of one value, texts that are
    canonically equivalent, and long ones that differ at their ends alone."""
    # Of what may be the key of the event before.
    before = f"{number - 1}"
    return Key(
        random.choice(
            [
                f"event-{number}",
                f"event-{before}".encode(),
                f"{number}",
                f"événement {number}",
                unicodedata.normalize("NFD", f"événement {before}"),
                f"{number}".rjust(random.choice([LONGEST - 1, LONGEST, LONGEST + 1]), "_"),
                before.rjust(random.choice([LONGEST - 1, LONGEST, LONGEST + 1]), "_").encode(),
            ]
        )
    )
