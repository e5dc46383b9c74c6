"""Objects and outcomes for a random schema: mostly right, sometimes wrong in every way that Python allows."""

from __future__ import annotations

import copy
import datetime
import random
import types
from typing import Any

import strawberry

from tests.executor.happenings import (
    Box,
    LaterListing,
    Listing,
    Mishap,
    Outcome,
    Stand,
    Trouble,
    Waiting,
    World,
)
from tests.executor.schema_texts import Kind, Texts, TypeText

OBJECTS_OF_A_TYPE = 3
ERRORS = (ValueError("bad"), KeyError("key"), Mishap("mishap"), RuntimeError())


class Furnisher:
    """`wrong`: how often a value is not what its type says."""

    def __init__(self, chance: random.Random, texts: Texts, module: types.ModuleType, wrong: float) -> None:
        self.chance, self.texts, self.module, self.wrong = chance, texts, module, wrong
        self.pool: dict[str, list[Any]] = {}

    def furnish(self, world: World) -> None:
        objects = [each for each in self.texts.types.values() if not each.is_interface]
        for made in objects:
            self.pool[made.name] = [self._bare(made, number) for number in range(OBJECTS_OF_A_TYPE)]
        world.outcomes.clear()
        world.outcomes[None, "reference"] = Outcome(None)
        for made in objects:
            for thing in self.pool[made.name]:
                self._fill(world, made, thing)
                if made.name.startswith("T"):
                    world.outcomes[thing.who, "reference"] = self._outcome(Kind(made.name, True))
            for name, each in made.fields.items():
                world.outcomes[None, name] = self._outcome(each.kind)

    def _bare(self, made: TypeText, number: int) -> Any:
        python_type = getattr(self.module, made.name)
        if self.chance.random() < 0.1 * (self.wrong > 0):
            python_type = type(f"Sub{made.name}", (python_type,), {})
        thing = object.__new__(python_type)
        thing.who = f"{made.name}-{number}"
        return thing

    def _fill(self, world: World, made: TypeText, thing: Any) -> None:
        for name, each in made.fields.items():
            if each.way != "attribute":
                world.outcomes[thing.who, name] = self._outcome(each.kind)
            elif self.chance.random() >= self.wrong / 3:
                setattr(thing, name, self.value(each.kind))

    def _outcome(self, kind: Kind) -> Outcome:
        turns = self.chance.choice([0, 0, 0, 1, 2, 3])
        if self.chance.random() < self.wrong:
            return Outcome(self.chance.choice(ERRORS), is_raised=True, turns=turns)
        return Outcome(self.value(kind), turns=turns)

    def value(self, kind: Kind) -> Any:
        chance = self.chance
        if chance.random() < self.wrong:
            return self._wrong_value(kind)
        if kind.is_nullable and chance.random() < 0.15:
            return None
        if kind.item is not None:
            return self._list(kind.item)
        if kind.named.startswith("Box["):
            inner = Kind(kind.named[4:-1], False)
            return Box(item=self.value(inner), more=[self.value(inner) for _ in range(chance.randint(0, 2))])
        members = self.texts.members(kind.named)
        if not members:
            return None
        if members[0] in self.pool:
            return self._thing(kind, chance.choice(members))
        return self._leaf(kind.named) if members == (kind.named,) else None

    def _list(self, item: Kind) -> Any:
        chance = self.chance
        items = [self.value(item) for _ in range(chance.choice([0, 1, 2, 3, 3]))]
        if chance.random() < 0.15:
            items = [Waiting(Outcome(each, turns=chance.randint(0, 2))) if chance.random() < 0.5 else each
                     for each in items]  # fmt: skip
        shape = chance.random()
        if shape < 0.8:
            return items
        return tuple(items) if shape < 0.88 else Listing(items) if shape < 0.94 else LaterListing(items)

    def _thing(self, kind: Kind, member: str) -> Any:
        chance = self.chance
        thing = chance.choice(self.pool[member])
        if chance.random() < 0.05:
            thing = Stand(vars(thing))
            if chance.random() < 0.5:
                thing = strawberry.cast(getattr(self.module, member), thing)
        elif chance.random() < 0.05:
            thing = strawberry.cast(getattr(self.module, chance.choice(list(self.pool))), copy.copy(thing))
        if kind.named in self.texts.unions and chance.random() < 0.1:
            return Trouble(what="made")
        return thing

    def _leaf(self, named: str) -> Any:
        chance = self.chance
        colours = list(self.module.Colour)
        return {
            "int": lambda: chance.randint(-5, 5),
            "float": lambda: chance.choice([0.5, 1.0, -2.25]),
            "str": lambda: chance.choice(["", "a", "é"]),
            "bool": lambda: chance.random() < 0.5,
            "strawberry.ID": lambda: chance.choice(["1", "x"]),
            "Colour": lambda: chance.choice(colours),
            "datetime.datetime": lambda: datetime.datetime(2026, 1, chance.randint(1, 28)),
            "Odd": lambda: (
                chance.choice(["fine", 3, "raises", "null", "later", "coroutine", "none later"])
                if self.wrong
                else "fine"
            ),
        }[named]()

    def _wrong_value(self, kind: Kind) -> Any:
        chance = self.chance
        likely: dict[str, list[object]] = {
            "float": [float("nan"), float("inf"), -float("inf"), 1],
            "int": [2**31, -(2**31) - 1, True, 1.0],
            "Colour": ["RED", "r", 2],
        }
        if kind.named in likely and chance.random() < 0.7:
            return chance.choice(likely[kind.named])
        things = [thing for pool in self.pool.values() for thing in pool]
        text, number = type("Text", (str,), {})("sub"), type("Number", (int,), {})(3)
        late = Outcome(ValueError("late"), is_raised=True, turns=1)
        return chance.choice(
            [
                *(None, None, None, "text", 7, True, 1.5, text, number, b"bytes", object, strawberry.UNSET),
                *(float("nan"), float("inf"), 2**31, -(2**31) - 1, 2**80, "RED", "r", 2),
                *({"a": 1}, ["a"], [], (1,), ValueError("returned"), chance.choice(things)),
                *(Waiting(self._right(kind)), Waiting(late)),
            ]
        )

    def _right(self, kind: Kind) -> Outcome:
        wrong, self.wrong = self.wrong, 0.0
        try:
            return Outcome(self.value(kind), turns=self.chance.randint(0, 2))
        finally:
            self.wrong = wrong
