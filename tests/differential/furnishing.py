"""Chance -> fields: plain ones, links to other objects, the roots' own. In: a House with types. Out: it has fields."""

from __future__ import annotations

import random

from tests.differential.field_sets import Pick
from tests.differential.house import FieldOf, House, Thing
from tests.differential.keys import know

LEAVES = ("String", "Int", "Boolean", "Colour", "[Int]", "[String!]")
VALUES = ("V", "[V!]", "W", "[W]")
LEAF_TYPES = ("ID", "String", "Int", "Boolean", "Colour")
MOVES = ("x: Int = 3",)
LABELS = ("percent(5)", "percent(50)", "percent(99.5)", "ours")
ARGUMENTS = (
    "x: Int = 3",
    "n: Int!",
    "y: Int! = 4",
    "f: Float = 1.5",
    "i: ID",
    "c: Colour = GREEN",
    "cs: [Colour!]! = [RED]",
    "xs: [Int] = [1, 2]",
    "xss: [[Int!]]",
    "in: In",
    "ins: [In!] = [{a: 5, n: true}]",
    "j: Json",
)


def add_fields(chance: random.Random, house: House, thing: Thing) -> None:
    for number in range(chance.randint(1, 5)):
        add_field(chance, house, thing, f"f{number}")


def add_partial_value(chance: random.Random, house: House) -> None:
    """`W`: a value of which no subgraph need have all fields."""
    thing = house.things["W"] = Thing("W", "value")
    for name, kind in (("a", "Int"), ("b", "String"), ("v", "V"), ("e", "link")):
        owners = chance.sample(house.subgraphs, chance.randint(1, len(house.subgraphs)))
        if kind == "link":
            owners = owners[:1]
            kind = link(chance, house, owners)
        thing.fields[name] = FieldOf(name, kind, owners)
        thing.keys |= {each: [] for each in owners}


def _covering(chance: random.Random, thing: Thing, able: list[str]) -> list[str]:
    """Some of the subgraphs that together have every field of the value; none when they have not."""
    found: list[str] = []
    for subgraph in chance.sample(able, len(able)):
        if subgraph in thing.keys and not all(set(found) & set(each.owners) for each in thing.fields.values()):
            found.append(subgraph)
    return found if all(set(found) & set(each.owners) for each in thing.fields.values()) else []


def add_field(chance: random.Random, house: House, thing: Thing, name: str) -> None:
    homes = thing.homes
    kind = chance.choice((*LEAVES, *VALUES, "link", "link"))
    made = FieldOf(name, kind, [chance.choice(homes)])
    if kind == "link":
        override(chance, made, homes)
        made.type = link(chance, house, made.givers)
    elif made.named == "W":
        made.owners = _covering(chance, house.things["W"], homes)
        if not made.owners:
            return
    elif chance.random() < 0.3:
        made.owners = chance.sample(homes, chance.randint(1, len(homes)))
    made.arguments = some_arguments(chance, made)
    made.fresh = made.type == "String" and chance.random() < 0.3
    if chance.random() < 0.25 and not made.type.endswith("!"):
        made.type += "!"
    made.fails = chance.random() < 0.08
    if kind != "link" and made.named != "W":
        override(chance, made, homes)
    thing.fields[name] = made


def override(chance: random.Random, made: FieldOf, homes: list[str]) -> None:
    """Sometimes the first owner took the field over from another subgraph, for some requests only or for all."""
    others = [each for each in homes if each not in made.owners]
    if others and chance.random() < 0.15:
        made.lost = chance.choice(others)
        made.label = chance.choice((None, chance.choice(LABELS)))


def some_arguments(chance: random.Random, made: FieldOf) -> tuple[str, ...]:
    """Arguments show in what a String says, and move where a link leads."""
    if made.type == "String" and chance.random() < 0.4:
        return MOVES if chance.random() < 0.6 else tuple(chance.sample(ARGUMENTS, chance.randint(1, 3)))
    if made.named not in (*LEAF_TYPES, "V", "W") and chance.random() < 0.25:
        return MOVES
    return ()


def link(chance: random.Random, house: House, owners: list[str]) -> str:
    """The type of a field that leads to other objects, each of which its owners know at least by a key."""
    target = _target(chance, house, owners)
    if target in house.things:
        for owner in owners:
            know(chance, owner, house.things[target])
    return chance.choice(("{}", "[{}!]", "[{}]", "[{}!]!", "{}")).format(target)


def _target(chance: random.Random, house: House, owners: list[str]) -> str:
    abstract = [name for name in house.abstracts if common_members(house, name, owners)]
    if abstract and chance.random() < 0.4:
        return chance.choice(abstract)
    known = [each.name for each in house.entities if all(house.may_know(owner, each.name) for owner in owners)]
    # Who may know no entity hands out values.
    return chance.choice(known or ["V"])


def common_members(house: House, abstract: str, owners: list[str]) -> list[str]:
    """What a field of the type may hold when all of these give it."""
    members = [
        set(house.everywhere(abstract) if abstract == "I" and each in house.adders else house.members(abstract, each))
        for each in owners
    ]
    return sorted(set.intersection(*members))


def add_interface_object_fields(chance: random.Random, house: House) -> None:
    for number, adder in enumerate(house.adders):
        for letter in "ab"[: chance.randint(1, 2)]:
            made = FieldOf(f"extra{number}{letter}", chance.choice(("String", "String", "[Int]", "V", "link")), [adder])
            if made.type == "link":
                made.type = link(chance, house, [adder])
            made.arguments = some_arguments(chance, made)
            if made.type == "String" and chance.random() < 0.6:
                made.requires = (Pick("label"),) if chance.random() < 0.5 else (Pick("mark", inner=(Pick("a"),)),)
                house.external.setdefault((adder, "I"), set()).update(each.name for each in made.requires)
            house.added[made.name] = made


def add_roots(chance: random.Random, house: House) -> None:
    """Root fields, of which some are shared, and mutations."""
    query = house.things["Query"] = Thing("Query", "root", {each: [] for each in house.subgraphs})
    for number in range(chance.randint(2, 4)):
        _add_root(chance, house, query, f"q{number}")
    name = chance.choice([each.name for each in house.entities])
    query.fields["first"] = FieldOf("first", f"[{name}]", [chance.choice(list(house.things[name].keys))])
    if chance.random() < 0.5:
        changing = chance.sample(house.subgraphs, chance.randint(1, len(house.subgraphs)))
        mutation = house.things["Mutation"] = Thing("Mutation", "root", {each: [] for each in changing})
        for number in range(chance.randint(2, 4)):
            name, owner = f"m{number}", chance.choice(changing)
            mutation.fields[name] = FieldOf(name, link(chance, house, [owner]), [owner])
        owner = chance.choice(changing)
        mutation.fields["change"] = FieldOf("change", "String", [owner], ("x: Int = 3",), fresh=True)
        mutation.keys = {each: [] for each in changing if any(each in f.owners for f in mutation.fields.values())}


def _add_root(chance: random.Random, house: House, query: Thing, name: str) -> None:
    owners = [chance.choice(house.subgraphs)]
    if chance.random() < 0.3:
        owners = chance.sample(house.subgraphs, chance.randint(2, len(house.subgraphs)))
    covering = _covering(chance, house.things["W"], house.subgraphs)
    if covering and chance.random() < 0.2:
        made = FieldOf(name, chance.choice(("W", "[W!]")), covering)
    else:
        made = FieldOf(name, "", owners)
        override(chance, made, house.subgraphs)
        made.type = link(chance, house, made.givers)
    made.arguments = some_arguments(chance, made)
    made.fails = chance.random() < 0.05
    query.fields[name] = made
