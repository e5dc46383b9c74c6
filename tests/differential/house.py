"""A random federated graph as a value: a `House`. Nothing here knows GraphQL texts, values, questions or chance.

It is satisfiable by the way `building` makes it: whoever knows an entity can be reached from wherever else it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.differential.field_sets import Pick, Picks

Labels = frozenset[str]


@dataclass(frozen=True)
class Key:
    """By which fields an entity is named in one subgraph; not resolvable: it cannot be asked for there."""

    fields: tuple[str, ...]
    resolvable: bool = True

    @property
    def picks(self) -> Picks:
        return tuple(Pick(name, inner=KEY_PARTS.get(name, ())) for name in self.fields)


KEY_PARTS: dict[str, Picks] = {"org": (Pick("id"),), "spot": (Pick("a"), Pick("b"))}
"""Fields of keys that are objects, with what of them is in the key."""
ID = Key(("id",))


@dataclass
class FieldOf:
    """One field: who resolves it, and what that takes.

    type: as printed. owners: subgraphs that resolve it. arguments: as printed. lost: a subgraph that has it, overridden
    by the first owner, with a label only where the label is on. requires: of the same entity. provides: of its target,
    from its one owner. fails: it may, for some objects. fresh: it tells how many mutations there were.
    """

    name: str
    type: str
    owners: list[str]
    arguments: tuple[str, ...] = ()
    lost: str | None = None
    label: str | None = None
    requires: Picks = ()
    provides: Picks = ()
    fails: bool = False
    fresh: bool = False

    @property
    def named(self) -> str:
        return self.type.strip("[]!")

    @property
    def is_list(self) -> bool:
        return "[" in self.type

    @property
    def givers(self) -> list[str]:
        """Subgraphs that resolve it for one label or the other."""
        return [*self.owners, self.lost] if self.label and self.lost else self.owners

    def resolvers(self, on: Labels) -> list[str]:
        """Subgraphs that resolve it when these labels are on."""
        if self.label is None or self.lost is None or self.label in on:
            return self.owners
        return [self.lost, *self.owners[1:]]


@dataclass
class Thing:
    """An object type. `keys`: for each subgraph that has it, how it is named there; a value and a root have none."""

    name: str
    kind: Literal["entity", "value", "root"] = "entity"
    keys: dict[str, list[Key]] = field(default_factory=dict)
    fields: dict[str, FieldOf] = field(default_factory=dict)

    @property
    def homes(self) -> list[str]:
        """Subgraphs that may resolve fields of it."""
        if self.kind != "entity":
            return list(self.keys)
        return [each for each, keys in self.keys.items() if any(key.resolvable for key in keys)]

    def resolves(self, subgraph: str, name: str) -> bool:
        """Whether the subgraph resolves the field wherever it has the object."""
        return name in self.fields and subgraph in self.fields[name].owners


@dataclass
class Abstract:
    """An interface or a union. `members`: for each subgraph that has it, the types that it may be there."""

    name: str
    kind: Literal["interface", "union"]
    members: dict[str, list[str]] = field(default_factory=dict)

    def everywhere(self) -> list[str]:
        return sorted({each for members in self.members.values() for each in members})


@dataclass
class House:
    """`keyed`: the subgraph that has `I` with a key; `adders` have it as an interface object, with what is `added`."""

    subgraphs: list[str]
    things: dict[str, Thing] = field(default_factory=dict)
    abstracts: dict[str, Abstract] = field(default_factory=dict)
    adders: list[str] = field(default_factory=list)
    keyed: str | None = None
    added: dict[str, FieldOf] = field(default_factory=dict)
    external: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """For a subgraph and a type, fields that are required or provided there."""

    @property
    def entities(self) -> list[Thing]:
        return [each for each in self.things.values() if each.kind == "entity"]

    def members(self, abstract: str, subgraph: str) -> list[str]:
        found = self.abstracts.get(abstract)
        return found.members.get(subgraph, []) if found else []

    def everywhere(self, abstract: str) -> list[str]:
        return self.abstracts[abstract].everywhere() if abstract in self.abstracts else []

    def all_fields(self) -> Iterator[tuple[Thing, FieldOf]]:
        for thing in self.things.values():
            for each in thing.fields.values():
                yield thing, each

    def field_of(self, type_name: str, name: str) -> FieldOf:
        """The field of an object, which may have it from an interface object."""
        return self.things[type_name].fields.get(name) or self.added[name]

    def declares(self, subgraph: str, thing: Thing, name: str) -> bool:
        made = thing.fields[name]
        outside = name in self.external.get((subgraph, thing.name), ())
        return subgraph in made.owners or outside or (made.label is not None and made.lost == subgraph)

    def may_know(self, subgraph: str, type_name: str) -> bool:
        """Who has `I` as an interface object knows none of its members."""
        return not (subgraph in self.adders and type_name in self.everywhere("I"))

    def interface_fields(self, subgraph: str) -> list[str]:
        """Fields of `I` as this subgraph declares it."""
        if subgraph in self.adders:
            return ["id", *sorted(self.external.get((subgraph, "I"), ()))]
        members = [self.things[each] for each in self.members("I", subgraph)]
        return [
            name
            for name in ("id", "label", "mark")
            if members and all(self.declares(subgraph, each, name) for each in members)
        ]
