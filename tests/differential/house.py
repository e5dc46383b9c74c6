"""A random federated graph as a value. In: a source of chance. Out: a `House` that every question can be answered in.

It is satisfiable by the way it is made: whoever knows an entity can be reached by its `id`, or by its `code` over a
subgraph that knows both. Nothing here knows GraphQL texts, values or questions.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SUBGRAPHS = ("s0", "s1", "s2", "s3")
ENTITIES = ("E0", "E1", "E2", "E3")
ID, CODE = ("id",), ("code",)
Key = tuple[str, ...]


@dataclass
class FieldOf:
    """One field: who resolves it, and what that takes.

    type: as printed. owners: subgraphs that resolve it. lost: a subgraph that has it, overridden. argument: it takes
    `x: Int = 3`. requires: fields of the same entity, as a field set. provides: of its target, from its one owner.
    """

    name: str
    type: str
    owners: list[str]
    lost: str | None = None
    argument: bool = False
    requires: list[str] = field(default_factory=list)
    provides: list[str] = field(default_factory=list)
    fails: bool = False

    @property
    def named(self) -> str:
        return self.type.strip("[]!")

    @property
    def is_list(self) -> bool:
        return "[" in self.type


@dataclass
class Entity:
    """`keys`: for each subgraph that knows it, the keys it can be asked by there."""

    name: str
    keys: dict[str, list[Key]] = field(default_factory=dict)
    fields: dict[str, FieldOf] = field(default_factory=dict)

    def knows(self, subgraph: str, name: str) -> bool:
        """Whether the subgraph resolves the field wherever it has the object."""
        if name in ("id", "code"):
            return any(name in key for key in self.keys.get(subgraph, []))
        return subgraph in self.fields[name].owners

    def external(self, subgraph: str) -> set[str]:
        """Fields that the subgraph declares and does not resolve."""
        required = {name for each in self.fields.values() if subgraph in each.owners for name in each.requires}
        return {name for name in required if not self.knows(subgraph, name)}


@dataclass
class House:
    subgraphs: list[str]
    entities: dict[str, Entity]
    interface: list[str] = field(default_factory=list)
    """Members of the interface `I`; empty: there is none."""
    adder: str | None = None
    """The subgraph that has `I` as an interface object; `keyed` is the one that has it with a key."""
    keyed: str | None = None
    added: dict[str, FieldOf] = field(default_factory=dict)
    roots: list[FieldOf] = field(default_factory=list)

    def members(self, subgraph: str) -> list[str]:
        """Members of `I` and of the union `U` that this subgraph knows."""
        return [name for name in self.interface if subgraph in self.entities[name].keys]

    def interface_fields(self, subgraph: str) -> list[str]:
        """Fields of `I` as this subgraph declares it."""
        members = self.members(subgraph)
        return [
            name
            for name in ("id", "label")
            if members and all(name == "id" or self.entities[each].knows(subgraph, name) for each in members)
        ]

    def has_interface(self, subgraph: str) -> bool:
        members = self.members(subgraph)
        return (
            subgraph != self.adder
            and bool(members)
            and all(self.entities[each].knows(subgraph, "id") for each in members)
        )

    def provided(self, subgraph: str, entity: str) -> set[str]:
        """Fields of the entity that some field of the subgraph provides."""
        fields = [each for one in self.entities.values() for each in one.fields.values()] + self.roots
        return {name for each in fields if each.named == entity and subgraph in each.owners for name in each.provides}


def random_house(chance: random.Random) -> House:
    """Two to four subgraphs with two to four entities."""
    subgraphs = list(SUBGRAPHS[: chance.randint(2, 4)])
    house = House(subgraphs, {name: Entity(name) for name in ENTITIES[: chance.randint(2, 4)]})
    for entity in house.entities.values():
        _place(chance, house, entity)
    if chance.random() < 0.6:
        _add_interface(chance, house)
    for entity in house.entities.values():
        _furnish(chance, house, entity)
    _add_roots(chance, house)
    return house


def _place(chance: random.Random, house: House, entity: Entity) -> None:
    known = chance.sample(house.subgraphs, chance.randint(1, len(house.subgraphs)))
    by_code = chance.random() < 0.4
    for subgraph in known:
        keys = [ID]
        if by_code:
            keys = chance.choice(([ID], [ID, CODE], [CODE], [("id", "code")], [ID, ("id", "code")]))
        entity.keys[subgraph] = list(keys)
    plain = {key for keys in entity.keys.values() for key in keys}
    if plain != {ID}:
        # Somebody who has both leads from any key to any other.
        entity.keys[chance.choice(known)] = [ID, CODE]


def _add_interface(chance: random.Random, house: House) -> None:
    house.interface = sorted(chance.sample(list(house.entities), chance.randint(1, len(house.entities))))
    for name in house.interface:
        entity = house.entities[name]
        able = [subgraph for subgraph in entity.keys if entity.knows(subgraph, "id")]
        owners = chance.sample(able, chance.randint(1, len(able)))
        entity.fields["label"] = FieldOf("label", "String", owners)
    if not any(map(house.has_interface, house.subgraphs)):
        house.interface = []
        return
    if len(house.subgraphs) > 2 and chance.random() < 0.5:
        house.keyed, house.adder = chance.sample(house.subgraphs, 2)
        for name in house.interface:
            entity = house.entities[name]
            entity.keys.pop(house.adder, None)
            by_code = any("code" in key for keys in entity.keys.values() for key in keys)
            entity.keys[house.keyed] = [ID, CODE] if by_code else [ID]
            label = entity.fields["label"]
            label.owners = [each for each in label.owners if each in entity.keys] or [house.keyed]
        house.added = {"extra": FieldOf("extra", "String", [house.adder], argument=chance.random() < 0.3)}


def _furnish(chance: random.Random, house: House, entity: Entity) -> None:
    known = list(entity.keys)
    for number in range(chance.randint(1, 5)):
        name = f"f{number}"
        kind = chance.choice(("String", "Int", "Boolean", "Colour", "[Int]", "[String!]", "V", "[V!]", "link", "link"))
        owners = [chance.choice(known)]
        made = FieldOf(name, kind, owners)
        if kind == "link":
            made.type = _link(chance, house, owners[0])
        elif chance.random() < 0.3:
            made.owners = chance.sample(known, chance.randint(1, len(known)))
        if kind == "String":
            made.argument = chance.random() < 0.3
        if chance.random() < 0.25 and not made.type.endswith("!"):
            made.type += "!"
        if kind in ("String", "Int", "[Int]", "V") and chance.random() < 0.12:
            made.fails = True
        others = [each for each in known if each not in made.owners]
        if others and kind != "link" and chance.random() < 0.15:
            made.lost = chance.choice(others)
        entity.fields[name] = made
    for number in range(chance.randint(0, 2)):
        owner = chance.choice(known)
        wanted = [
            each.name
            for each in entity.fields.values()
            if owner not in each.owners
            and each.lost != owner
            and not (each.argument or each.fails or each.named[0] in "EIU")
        ]
        if wanted:
            taken = chance.sample(wanted, chance.randint(1, min(2, len(wanted))))
            name = f"r{number}"
            entity.fields[name] = FieldOf(name, "String", [owner], requires=sorted(taken))
    _provide(chance, house, entity)


def _link(chance: random.Random, house: House, owner: str) -> str:
    """The type of a field that leads to other objects, which the owner must know at least by a key."""
    if house.has_interface(owner) and chance.random() < 0.4:
        target = chance.choice("IU")
    elif owner == house.adder and chance.random() < 0.4:
        target = "I"
    else:
        target = chance.choice(
            [each for each in house.entities if owner != house.adder or each not in house.interface] or [""]
        )
        if not target:
            return "Int"
        entity = house.entities[target]
        if owner not in entity.keys:
            entity.keys[owner] = [ID]
    return chance.choice(("{}", "[{}!]", "[{}]", "[{}!]!", "{}")).format(target)


def _provide(chance: random.Random, house: House, entity: Entity) -> None:
    for each in entity.fields.values():
        if each.named not in house.entities or chance.random() > 0.3:
            continue
        owner, target = each.owners[0], house.entities[each.named]
        free = [
            other.name
            for other in target.fields.values()
            if owner not in other.owners
            and other.lost is None
            and not other.fails
            and not other.requires
            and other.named in ("String", "Int", "Colour")
        ]
        if free:
            each.provides = chance.sample(free, 1)


def _add_roots(chance: random.Random, house: House) -> None:
    for number in range(chance.randint(2, 4)):
        owner = chance.choice(house.subgraphs)
        type_ = _link(chance, house, owner)
        house.roots.append(FieldOf(f"q{number}", type_, [owner]))
    name = chance.choice(list(house.entities))
    house.roots.append(FieldOf("first", f"[{name}]", [chance.choice(list(house.entities[name].keys))]))
