"""Chance -> a `House`: its subgraphs, its types, who names them by which keys, its interface and its union.

names and members -> `keys` -> interface and union -> fields (`furnishing`) -> @requires, @provides (`depending`)
"""

from __future__ import annotations

import random

from tests.differential.depending import add_provided, add_requiring
from tests.differential.furnishing import add_fields, add_interface_object_fields, add_partial_value, add_roots
from tests.differential.house import Abstract, FieldOf, House, Thing
from tests.differential.keys import name_by_another, place

SUBGRAPHS = ("s0", "s1", "s2", "s3")
ENTITIES = ("E0", "E1", "E2", "E3")


def random_house(chance: random.Random) -> House:
    """Two to four subgraphs with two to four entities."""
    house = House(list(SUBGRAPHS[: chance.randint(2, 4)]))
    _add_values(house)
    for name in ENTITIES[: chance.randint(2, 4)]:
        house.things[name] = Thing(name)
    if chance.random() < 0.4:
        _plan_interface_object(chance, house)
    hubs = {entity.name: place(chance, house, entity) for entity in house.entities}
    for entity in house.entities:
        if chance.random() < 0.25:
            name_by_another(chance, house, entity, hubs[entity.name])
    if house.adders or chance.random() < 0.5:
        _add_interface(chance, house)
    if chance.random() < 0.6:
        _add_union(chance, house)
    add_partial_value(chance, house)
    for entity in house.entities:
        add_fields(chance, house, entity)
    add_interface_object_fields(chance, house)
    add_roots(chance, house)
    for entity in house.entities:
        add_requiring(chance, house, entity)
    add_provided(chance, house)
    return house


def _add_values(house: House) -> None:
    everywhere = house.subgraphs
    for value, mark in (("V", ""), ("Spot", "!")):
        thing = house.things[value] = Thing(value, "value", {each: [] for each in everywhere})
        for name, kind in (("a", "Int"), ("b", "String")):
            thing.fields[name] = FieldOf(name, kind + mark, list(everywhere))


def _plan_interface_object(chance: random.Random, house: House) -> None:
    if len(house.subgraphs) < 3:
        return
    house.keyed, *house.adders = chance.sample(house.subgraphs, chance.randint(2, len(house.subgraphs) - 1))
    names = [each.name for each in house.entities]
    members = sorted(chance.sample(names, chance.randint(1, len(names))))
    house.abstracts["I"] = Abstract("I", "interface", {house.keyed: members})


def _add_interface(chance: random.Random, house: House) -> None:
    """`I`: its members differ from subgraph to subgraph, but whoever has it with a key has them all."""
    found = house.abstracts.setdefault("I", Abstract("I", "interface"))
    names = found.everywhere() or [each.name for each in house.entities]
    for subgraph in house.subgraphs:
        known = [name for name in names if house.things[name].resolves(subgraph, "id")]
        if known and subgraph != house.keyed and subgraph not in house.adders:
            found.members[subgraph] = _some(chance, known)
    for name in found.everywhere():
        entity = house.things[name]
        for shared, kind in (("label", "String"), ("mark", "V")):
            owners = chance.sample(entity.homes, chance.randint(1, len(entity.homes)))
            entity.fields[shared] = FieldOf(shared, kind, owners)


def _add_union(chance: random.Random, house: House) -> None:
    """`U`: entities and values."""
    found = house.abstracts["U"] = Abstract("U", "union")
    for subgraph in house.subgraphs:
        known = [each.name for each in house.entities if subgraph in each.keys]
        if known and chance.random() < 0.8:
            found.members[subgraph] = _some(chance, [*known, "V"])
    if not found.members:
        del house.abstracts["U"]


def _some(chance: random.Random, names: list[str]) -> list[str]:
    """Mostly all of them."""
    return sorted(chance.sample(names, len(names) if chance.random() < 0.6 else chance.randint(1, len(names))))
