"""Chance -> what fields take of others: @requires and @provides. In: a House with fields. Out: it has them.

A field requires only fields that were there before it, so that no field is computed of itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.differential.field_sets import Pick, Picks
from tests.differential.furnishing import LEAF_TYPES, MOVES, common_members
from tests.differential.house import FieldOf, House, Thing
from tests.differential.keys import know

_DEEPEST = 2


def add_requiring(chance: random.Random, house: House, entity: Thing) -> None:
    """Fields that are computed of others, which their subgraph does not resolve."""
    for number in range(chance.choice((0, 1, 2, 3))):
        owner = chance.choice(entity.homes)
        picks = _Picking(chance, house, owner).of(entity)
        if picks:
            entity.fields[f"r{number}"] = FieldOf(f"r{number}", "String", [owner], requires=picks)


def add_provided(chance: random.Random, house: House) -> None:
    """Some links give more of the objects that they lead to than their subgraph resolves elsewhere."""
    for _, each in list(house.all_fields()):
        if len(each.owners) == 1 and not each.lost and chance.random() < 0.3:
            each.provides = _Picking(chance, house, each.owners[0], gives=True).below(each, 0)


@dataclass
class _Picking:
    """Picks fields that the subgraph does not resolve itself, and notes that it declares them.

    gives: it will give their values (@provides), and so picks none that are computed or take arguments.
    """

    chance: random.Random
    house: House
    subgraph: str
    gives: bool = False

    def of(self, thing: Thing, depth: int = 0) -> Picks:
        """One or two fields of the type, or none where there is nothing to pick."""
        free = [each for each in thing.fields.values() if self._is_free(thing, each, depth)]
        taken = self.chance.sample(free, min(len(free), self.chance.randint(1, 2)))
        found = []
        for each in sorted(taken, key=lambda each: each.name):
            inner = () if each.named in LEAF_TYPES else self.below(each, depth)
            if inner or each.named in LEAF_TYPES:
                arguments = (("x", self.chance.randrange(9)),) if each.arguments else ()
                found.append(Pick(each.name, arguments, inner))
                if not thing.resolves(self.subgraph, each.name):
                    self._note(thing, each.name)
        return tuple(found)

    def below(self, made: FieldOf, depth: int) -> Picks:
        """Picks of what the link leads to."""
        target = self.house.things.get(made.named)
        if target is None:
            return self._of_members(made, depth)
        if target.kind == "value":
            return () if depth == 0 and self.gives else self._of_value(target)
        if not self.house.may_know(self.subgraph, target.name):
            return ()
        know(self.chance, self.subgraph, target)
        named = not self.gives and target.resolves(self.subgraph, "id") and self.chance.random() < 0.3
        return (*self.of(target, depth + 1), *((Pick("id"),) if named else ()))

    def _of_value(self, thing: Thing) -> Picks:
        thing.keys.setdefault(self.subgraph, [])
        for name in ("a", "b"):
            if not thing.resolves(self.subgraph, name):
                self._note(thing, name)
        return (Pick("a"), Pick("b"))

    def _note(self, thing: Thing, name: str) -> None:
        self.house.external.setdefault((self.subgraph, thing.name), set()).add(name)

    def _of_members(self, made: FieldOf, depth: int) -> Picks:
        members = common_members(self.house, made.named, made.givers)
        if not set(members) <= set(self.house.members(made.named, self.subgraph)):
            return ()
        found = []
        for name in members:
            inner = self.of(self.house.things[name], depth + 1) if self.chance.random() < 0.7 else ()
            found += [Pick(on=name, inner=inner)] if inner else []
        if made.named == "I" and not self.gives and self.chance.random() < 0.5:
            name = self.chance.choice(self.house.interface_fields(self.subgraph))
            found.insert(0, Pick(name, inner=(Pick("b"),) if name == "mark" else ()))
        return tuple(found)

    def _is_free(self, thing: Thing, made: FieldOf, depth: int) -> bool:
        if made.fails or made.lost == self.subgraph:
            return False
        if made.arguments and (self.gives or made.arguments != MOVES):
            return False
        if self.gives and made.requires:
            return False
        if made.named in LEAF_TYPES or made.named in ("V", "W", "Spot"):
            return not thing.resolves(self.subgraph, made.name)
        return depth < _DEEPEST
