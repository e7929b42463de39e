"""Events as a bot sends them, and the catalog that they are about."""

import json
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "Examples"

GUILD = "123456789012345678"
OTHER_GUILD = "223456789012345678"
UNLINKED = "987654321098765432"
"""The Discord user of the examples, who has linked no account."""
LINKED = "111222333444555666"
"""A Discord user who is the platform's user `alice`."""

COIN = "cluid123abc"
"""Stacks."""
SWORD = "cluid789ghi"
"""Does not stack."""
FOREIGN = "cluid555for"
"""Belongs to the community of OTHER_GUILD."""
MIRA = "cluid456def"
"""The character of the example."""
CAST = [f"character-{number}" for number in range(8)]

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
        },
        {
            "id": "others",
            "discordGuildId": OTHER_GUILD,
            "name": "The Others",
            "itemTypes": [{"id": FOREIGN, "name": "Foreign coin", "stackable": True}],
        },
    ],
    "characters": [{"id": id, "name": f"Character {id}"} for id in [MIRA, *CAST]],
    "accounts": [{"discordUserId": LINKED, "userId": "alice"}],
}


def example(name, **changes):
    """One of the files in Examples/, with some fields changed."""
    return {**json.loads((EXAMPLES / f"{name}.json").read_text()), **changes}


def item(user=UNLINKED, quantity=1, type=COIN, **changes):
    return example("item-awarded", **{"discordUserId": user, "itemTypeId": type, "quantity": quantity, **changes})


def character(id, user=UNLINKED, **changes):
    return example("character-awarded", **{"discordUserId": user, "characterId": id, **changes})


def account_linked(user, user_id):
    return {"eventType": "ACCOUNT_LINKED", "discordUserId": user, "userId": user_id}


def somebody(number):
    """A Discord user of their own for each number."""
    return str(200_000_000_000_000_000 + number)
