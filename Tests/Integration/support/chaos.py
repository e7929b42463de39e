"""What a bot sends, drawn at random, and what must be in the database when all of it was handled."""

import json
from collections import Counter
from dataclasses import dataclass

from support.events import COIN, GUILD, SWORD, account_linked, character, item, somebody

USERS = 40
LINKED_USERS = 30
CHARACTERS = 200


def name(number):
    return f"chaos-{number}"


CATALOG = {
    "communities": [
        {
            "id": "crew",
            "discordGuildId": GUILD,
            "name": "The Crew",
            "itemTypes": [
                {"id": COIN, "name": "Gold coin", "stackable": True},
                {"id": SWORD, "name": "Sword", "stackable": False},
            ],
        }
    ],
    "characters": [{"id": name(number), "name": f"Character {number}"} for number in range(CHARACTERS)],
}


@dataclass(frozen=True)
class Event:
    body: str
    key: str | None = None
    """Its IdempotencyKey. One without is known by its message's id, and a producer cannot send it twice."""
    is_bad: bool = False

    @property
    def fields(self):
        return json.loads(self.body)


class Model:
    """Draws the events, and is told of each what became of its sending."""

    def __init__(self, random, total):
        self.granted = {}
        """The events that must be granted, by their keys as the worker stores them."""
        self.doubtful = {}
        """Those that were sent once or not at all, by their users: each has a user to itself."""
        self.bad = set()
        """Bodies of those that must become dead letters."""
        self._random = random
        self._total = total
        self._sent = []
        self._characters = [name(number) for number in range(min(CHARACTERS, total // 10))]
        self._unlinked = [somebody(number) for number in range(LINKED_USERS)]
        random.shuffle(self._characters)
        random.shuffle(self._unlinked)

    def draw(self, number):
        random = self._random
        # What can be awarded once is spread over the whole run.
        left = self._total - number
        if random.random() < len(self._characters) / left:
            return self._good(character(self._characters.pop(), self._user()), number)
        if random.random() < len(self._unlinked) / left:
            user = self._unlinked.pop()
            # Two accounts to a user, whose stacks become one.
            return self._good(account_linked(user, f"user-{int(user) // 2 % 1000}"), number)
        kind = random.random()
        if kind < 0.1 and self._sent:
            return random.choice(self._sent)
        if kind < 0.15:
            return Event(self._bad_body(number), is_bad=True)
        if kind < 0.25:
            return Event(json.dumps(item(somebody(1_000_000 + number), random.randint(1, 100))))
        if kind < 0.45:
            return self._good(item(self._user(), random.randint(1, 3), SWORD), number)
        return self._good(item(self._user(), random.randint(1, 100), COIN), number)

    def sent(self, event, message_id):
        if event.is_bad:
            self.bad.add(event.body)
        elif event.key is None:
            self.granted[f"message:{message_id}"] = event.fields
        elif f"producer:{event.key}" not in self.granted:
            self.granted[f"producer:{event.key}"] = event.fields
            self._sent.append(event)

    def not_answered(self, event):
        """Of one without a key, which is not sent again."""
        self.doubtful[event.fields["discordUserId"]] = event.fields

    def _user(self):
        return somebody(self._random.randrange(USERS))

    def _good(self, fields, number):
        return Event(json.dumps(fields), f"event-{number}")

    def _bad_body(self, number):
        good = item(self._user(), number=number)
        return self._random.choice(
            [
                json.dumps({**good, "itemTypeId": "nothing"}),
                json.dumps({**good, "discordGuildId": "999999999999999999"}),
                json.dumps({**good, "eventType": "ITEM_REVOKED"}),
                json.dumps({**good, "quantity": 0}),
                json.dumps(good)[:-1],
                f"bot was here {number}",
            ]
        )


def holdings(events):
    """What the events come to: how much of each item, and the character, each holder has."""
    owners = {event["discordUserId"]: event["userId"] for event in events if event["eventType"] == "ACCOUNT_LINKED"}
    items, characters = Counter(), {}
    for event in events:
        user = event["discordUserId"]
        holder = ("owner", owners[user]) if user in owners else ("pending", user)
        if event["eventType"] == "ITEM_AWARDED":
            items[*holder, event["itemTypeId"]] += event["quantity"]
        elif event["eventType"] == "CHARACTER_AWARDED":
            characters[event["characterId"]] = holder
    return items, characters
