"""What a bot sends, drawn at random, and what must be in the database when all of it was handled."""

import json
from collections import Counter
from dataclasses import dataclass

from support.events import COIN, GUILD, SWORD, account_linked, character, item, somebody
from support.identity import Key, draw_key
from support.trials import trial

USERS = 40
LINKED_USERS = 30
CHARACTERS = 200
GROUPS = 60


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
    key: Key | None = None
    """One without is known by its message's id."""
    is_bad: bool = False
    group: str | None = None
    deduplication_id: str | None = None

    @property
    def fields(self):
        return json.loads(self.body)

    @property
    def may_be_repeated(self):
        """Whether a producer that got no answer can send it again, and it stays one event."""
        return self.is_bad or self.key is not None or self.deduplication_id is not None


class Model:
    """Draws the events, and is told of each what became of its sending."""

    def __init__(self, random, total):
        self.granted = {}
        """The events that must be granted, by their types and their keys as the worker stores them."""
        self.doubtful = {}
        """Those that were sent once or not at all, by their users: each has a user to itself."""
        self.bad = {}
        """The names of the queues of those that must become dead letters, by their bodies."""
        self.trials = set()
        """The names of those whose handlers block their threads."""
        self.reused = Counter()
        """Of events under a deduplication id that another had before: those that the queue took, and those it dropped."""
        self._random = random
        self._total = total
        self._sent = []
        self._named = set()
        self._deduplicated = []
        self._first_bodies = {}
        self._characters = [name(number) for number in range(min(CHARACTERS, total // 10))]
        self._unlinked = [somebody(number) for number in range(LINKED_USERS)]
        random.shuffle(self._characters)
        random.shuffle(self._unlinked)

    def draw(self, number, is_fifo):
        """The next event, for a queue of this kind."""
        event = self._draw(number)
        if not is_fifo:
            return event
        group, deduplication_id = self._group(), f"send-{number}"
        if event.key is None and not event.is_bad and self._deduplicated and self._random.random() < 0.5:
            # Of the same group, it is what the queue takes for a repetition, for five minutes; of another one it is not.
            others_group, deduplication_id = self._random.choice(self._deduplicated)
            group = self._random.choice([others_group, group])
        return Event(event.body, event.key, event.is_bad, group, deduplication_id)

    def _draw(self, number):
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
        if kind < 0.26:
            return self._good(trial(number, blockSeconds=random.choice([0.2, 1.0, 3.0])), number)
        if kind < 0.45:
            return self._good(item(self._user(), random.randint(1, 3), SWORD), number)
        return self._good(item(self._user(), random.randint(1, 100), COIN), number)

    def sent(self, event, message_id, queue):
        if event.is_bad:
            self.bad[event.body] = queue
            return
        fields = event.fields
        key = fields["eventType"], event.key.stored if event.key else f"message:{message_id}"
        if event.deduplication_id and not event.key:
            self._deduplicated.append((event.group, event.deduplication_id))
            if self._first_bodies.setdefault(event.deduplication_id, event.body) != event.body:
                # What the queue drops is answered with the id of the message that it has.
                self.reused["dropped" if key in self.granted else "taken"] += 1
        if fields["eventType"] == "TRIAL":
            self.trials.add(fields["name"])
        elif key not in self.granted:
            self.granted[key] = fields
            if event.key:
                self._sent.append(Event(event.body, event.key))

    def not_answered(self, event):
        """Of one that cannot be sent again."""
        self.doubtful[event.fields["discordUserId"]] = event.fields

    def _user(self):
        return somebody(self._random.randrange(USERS))

    def _group(self):
        return f"group-{self._random.randrange(GROUPS)}"

    def _good(self, fields, number):
        key = draw_key(self._random, number)
        if self._sent and self._random.random() < 0.5:
            # A key names one event of each type.
            other = self._random.choice(self._sent).key
            key = other if (fields["eventType"], other) not in self._named else key
        self._named.add((fields["eventType"], key))
        return Event(json.dumps(fields), key)

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
