"""Chance -> who names an entity by which keys. In: a House with entities. Out: every subgraph that knows one has keys.

Two ways to be reachable from everywhere: somebody has all keys (a hub), or each has one in common with the next (a
chain), so that a way may lead over several subgraphs.
"""

from __future__ import annotations

import random

from tests.differential.house import ID, FieldOf, House, Key, Thing

TYPES = {"id": "ID!", "code": "String!", "tags": "[String!]!", "spot": "Spot!"}


def name_by(entity: Thing, subgraph: str, keys: list[Key]) -> None:
    """The subgraph names the entity by these keys, and resolves their fields."""
    entity.keys[subgraph] = keys
    for name in dict.fromkeys(name for key in keys for name in key.fields):
        entity.fields.setdefault(name, FieldOf(name, TYPES.get(name, ""), []))
    for name, made in entity.fields.items():
        if name in TYPES or name == "org":
            mentions = [each for each, known in entity.keys.items() if any(name in key.fields for key in known)]
            made.owners = mentions


def know(chance: random.Random, subgraph: str, entity: Thing) -> None:
    """The subgraph can at least hand out the entity's id."""
    if subgraph not in entity.keys:
        name_by(entity, subgraph, [Key(("id",), resolvable=chance.random() < 0.5)])


def place(chance: random.Random, house: House, entity: Thing) -> str | None:
    """Some subgraphs know the entity; says who has all its keys."""
    able = [each for each in house.subgraphs if house.may_know(each, entity.name)]
    known = chance.sample(able, chance.randint(1, len(able)))
    keyed = house.keyed if entity.name in house.everywhere("I") else None
    if keyed and keyed not in known:
        known.append(keyed)
    others = chance.sample(("code", "tags", "spot"), chance.choice((0, 1, 1, 2)))
    if len(others) == 2 and not keyed and chance.random() < 0.5:
        _in_a_chain(entity, known, others)
        return None
    for subgraph in known:
        name_by(entity, subgraph, _some_keys(chance, others))
    hub = keyed or chance.choice(known)
    name_by(entity, hub, [ID, *(Key((name,)) for name in others)])
    return hub


def _in_a_chain(entity: Thing, known: list[str], others: list[str]) -> None:
    links = ["id", *others]
    for number, subgraph in enumerate(known):
        first, second = links[number % 3], links[(number + 1) % 3]
        name_by(entity, subgraph, [Key((first,)), Key((second,))])


def _some_keys(chance: random.Random, others: list[str]) -> list[Key]:
    if not others:
        return [ID]
    one = chance.choice(others)
    alone, both = Key((one,)), Key(("id", one))
    return chance.choice(([ID], [alone], [ID, alone], [both], [both], [ID, both], [Key(tuple(others))]))


def name_by_another(chance: random.Random, house: House, entity: Thing, hub: str | None) -> None:
    """Some subgraphs name the entity by another one: `org { id }`. Beside a hub that does, they need no other key."""
    target = chance.choice([each for each in house.entities if each is not entity])
    able = [each for each in entity.homes if house.may_know(each, target.name)]
    if not able:
        return
    entity.fields["org"] = FieldOf("org", f"{target.name}!", [])
    first = hub if hub in able else able[0]
    for subgraph in {first: None} | dict.fromkeys(chance.sample(able, chance.randint(1, len(able)))):
        know(chance, subgraph, target)
        if not target.resolves(subgraph, "id"):
            name_by(target, subgraph, [*target.keys[subgraph], ID])
        key = Key(("org",)) if subgraph == first else chance.choice((Key(("org",)), Key(("id", "org"))))
        replaces = hub == first != subgraph and chance.random() < 0.5
        name_by(entity, subgraph, [key] if replaces else [*entity.keys[subgraph], key])
