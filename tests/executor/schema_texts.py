"""A random Strawberry schema, as the text of a Python module. In: a source of chance. Out: its types and the text.

As text, so that a difference can be read, and run again by itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

LEAVES = ("int", "int", "float", "float", "float", "str", "bool", "strawberry.ID", "Colour", "datetime.datetime", "Odd")
HEAD = """
import datetime, enum
from typing import Annotated
import strawberry
from strawberry.types import Info
from tests.executor.happenings import (
    Box, Guard, Mishap, Odd, SlowGuard, Stand, Trouble, Twice, loaded, now, shown, soon)

@strawberry.enum
class Colour(enum.Enum):
    RED = "r"
    GREEN = 2
    LEAF = 2

@strawberry.input
class Where:
    near: int = 1
    tags: list[str] | None = None
"""


@dataclass(frozen=True)
class Kind:
    """A field's type: `named`, or a list of `item`."""

    named: str
    is_nullable: bool
    item: Kind | None = None

    def text(self) -> str:
        inner = f"list[{self.item.text()}]" if self.item is not None else self.named
        return f"{inner} | None" if self.is_nullable else inner

    @property
    def leaf(self) -> Kind:
        return self if self.item is None else self.item.leaf


@dataclass(frozen=True)
class FieldText:
    """`way`: "attribute", or the function of `happenings` that resolves it."""

    name: str
    kind: Kind
    way: str
    arguments: str = ""
    takes_info: bool = False
    more: str = ""


@dataclass
class TypeText:
    name: str
    interfaces: tuple[str, ...] = ()
    fields: dict[str, FieldText] = field(default_factory=dict)
    is_interface: bool = False
    custom_test: bool = False


@dataclass
class Texts:
    types: dict[str, TypeText]
    unions: dict[str, tuple[str, ...]]
    module: str

    def members(self, named: str) -> tuple[str, ...]:
        """The object types that a value of this type may have."""
        if named in self.unions:
            return self.unions[named]
        if named in self.types and self.types[named].is_interface:
            return tuple(each.name for each in self.types.values() if named in each.interfaces)
        return (named,)


class SchemaWriter:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 0
        count = chance.randint(1, 4)
        self.objects = [f"T{number}" for number in range(count)]
        self.interfaces = [f"I{number}" for number in range(chance.randint(0, 2))]
        unions = [f"U{number}" for number in range(chance.randint(0, 1))]
        self.unions = {name: tuple(sorted(set(chance.choices(self.objects, k=3)))) for name in unions}

    def write(self) -> Texts:
        types: dict[str, TypeText] = {}
        for name in self.interfaces:
            types[name] = TypeText(name, fields=self._fields(2), is_interface=True)
        for name in self.objects:
            taken = tuple(each for each in self.interfaces if self.chance.random() < 0.6)
            made = types[name] = TypeText(name, taken, self._fields(self.chance.randint(2, 5)))
            made.custom_test = self.chance.random() < 0.1
            for each in taken:
                made.fields = {**types[each].fields, **made.fields}
        for root in ("Query", "Mutation", "Subscription"):
            types[root] = TypeText(root, fields=self._fields(3 if root == "Query" else 2, root=True))
        texts = Texts(types, self.unions, "")
        texts.module = HEAD + "\n".join(self._type(each, types) for each in types.values())
        unions = [
            f'{name} = Annotated[{" | ".join([*members, "Trouble"])}, strawberry.union("{name}")]'
            for name, members in self.unions.items()
        ]
        texts.module += "\n" + "\n".join(unions) + "\n"
        return texts

    def _fields(self, count: int, root: bool = False) -> dict[str, FieldText]:
        made = {}
        for _ in range(count):
            self.count += 1
            name = f"f{self.count}"
            made[name] = self._field(name, root)
        return made

    def _field(self, name: str, root: bool) -> FieldText:
        chance = self.chance
        way = chance.choice(["attribute", "attribute", "attribute", "now", "soon", "loaded", "await loaded"])
        if root and way == "attribute":
            way = "now"
        kind = self._kind(0.1, nullable=0.8) if root else self._kind(0.55)
        arguments = ""
        if way != "attribute" and chance.random() < 0.3:
            arguments = ", n: int = 3, c: Colour | None = None"
            arguments += chance.choice(["", "", ", tags: list[str] | None = None", ", where: Where | None = None"])
        more = ""
        if chance.random() < 0.12:
            slow = "SlowGuard" if way in ("soon", "await loaded") else "Guard"
            more = chance.choice([f"permission_classes=[{slow}]", "extensions=[Twice()]"])
        return FieldText(name, kind, way, arguments, chance.random() < 0.4, more)

    def _kind(self, leaf: float, nullable: float = 0.5) -> Kind:
        chance = self.chance
        if chance.random() < leaf:
            kind = Kind(chance.choice(LEAVES), chance.random() < nullable)
        else:
            below = [*self.objects, *self.interfaces, *self.unions, f"Box[{self.objects[0]}]", "Box[int]"]
            kind = Kind(chance.choice(below), chance.random() < nullable)
        for _ in range(chance.choice([0, 0, 1, 1, 2])):
            kind = Kind("", chance.random() < nullable, kind)
        return kind

    def _type(self, made: TypeText, types: dict[str, TypeText]) -> str:
        inherited = {name for each in made.interfaces for name in types[each].fields}
        decorator = "interface" if made.is_interface else "type"
        bases = f"({', '.join(made.interfaces)})" if made.interfaces else ""
        if made.name.startswith("T"):
            decorator = "federation.type(keys=['who'])"
        lines = ["", f"@strawberry.{decorator}", f"class {made.name}{bases}:", "    who: strawberry.ID"]
        if made.name in ("Query", "Mutation", "Subscription"):
            lines = [lines[0], lines[1], lines[2]]
        own = [each for name, each in made.fields.items() if name not in inherited]
        for each in own:
            if made.name == "Subscription":
                lines += self._subscription(each)
            else:
                lines += self._one(each, in_mutation=made.name == "Mutation")
        if made.name.startswith("T"):
            call = self.chance.choice(["now", "soon", "loaded"])
            lines += ["    @classmethod", "    def resolve_reference(cls, who: strawberry.ID):",
                      f"        return {call}(Stand({{'who': who}}), 'reference')"]  # fmt: skip
        if made.custom_test:
            lines += ["    @classmethod", "    def is_type_of(cls, value, info):",
                      f"        return getattr(value, 'who', '').startswith({made.name!r})"]  # fmt: skip
        return "\n".join([*lines, ""])

    def _one(self, made: FieldText, in_mutation: bool) -> list[str]:
        text = made.kind.text()
        if made.way == "attribute":
            return [f"    {made.name}: {text!r}" + (f" = strawberry.field({made.more})" if made.more else "")]
        info = ", info: Info" if made.takes_info else ""
        seen = ["shown(info)"] if made.takes_info else []
        seen += [each.split(":")[0].strip() for each in made.arguments.split(",") if each.strip()]
        call = f"(self, {made.name!r}{''.join(', ' + each for each in seen)})"
        is_async = made.way in ("soon", "await loaded")
        body = {"now": f"now{call}", "soon": f"await soon{call}", "loaded": f"loaded{call}"}
        body["await loaded"] = f"await loaded{call}"
        return [
            f"    @strawberry.{'mutation' if in_mutation else 'field'}({made.more})",
            f"    {'async ' if is_async else ''}def {made.name}(self{info}{made.arguments}) -> {text!r}:",
            f"        return {body[made.way]}",
        ]

    def _subscription(self, made: FieldText) -> list[str]:
        return [
            "    @strawberry.subscription",
            f"    async def {made.name}(self) -> 'AsyncGenerator[{made.kind.text()}, None]':",
            "        for _ in range(2):",
            f"            yield await soon(self, {made.name!r})",
        ]
