"""Let a subgraph know a type. In: a House, a subgraph, a type, keys. Out: nothing; the House has it then."""

from __future__ import annotations

import random

from tests.differential.house import ID, FieldOf, House, Key, Thing

KEY_TYPES = {"id": "ID!", "code": "String!"}


def name_by(house: House, entity: Thing, subgraph: str, keys: list[Key]) -> None:
    """The subgraph names the entity by these keys, and resolves their fields."""
    entity.keys[subgraph] = keys
    for name in {name for key in keys for name in key.fields}:
        entity.fields.setdefault(name, FieldOf(name, KEY_TYPES[name], []))
    for name in KEY_TYPES.keys() & entity.fields.keys():
        mentions = [each for each, known in entity.keys.items() if any(name in key.fields for key in known)]
        entity.fields[name].owners = mentions


def know(chance: random.Random, house: House, subgraph: str, entity: Thing) -> None:
    """The subgraph can at least hand out the entity's key."""
    if subgraph not in entity.keys:
        name_by(house, entity, subgraph, [ID])
