"""The source text of a program: one coroutine that fetches, sets and encodes, with nothing left to decide.

In: a plan, its layout and structs. Out: text, and the objects that it names. Its variables: `at3` are the objects at
position 3, `sent2` is the answer that fetch 2 waits for, `data2` what it held, `keys2_0` and `got2_0` what the first
input of fetch 2 asks about and what it got, by key.

It is written for reading: `python -m gateway program` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET

from gateway.compiled.positions import Giver, Layout, Member, NotCompilable, Position, Switches
from gateway.compiled.structs import PositionStruct, Structs
from gateway.plan.nodes import Condition, EntityInput, Fetch, Node, Parallel, RequiredField, RequiredFragment
from gateway.plan.nodes import Sequence as InSequence
from gateway.plan.shape import Listing, Slot

INDENT = "    "
_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class Written:
    """text: defines `program(run)`. names: what it uses besides built-ins."""

    text: str
    names: dict[str, Any]


def written(node: Node, layout: Layout, structs: Structs, switches: Switches, surprise: type[Exception]) -> Written:
    writer = _Writer(layout, structs, switches, {"UNSET": UNSET, "Surprise": surprise, "encode": _encoder.encode})
    body = [*writer.node(node), *writer.answer()]
    lines = ["async def program(run):", *(INDENT + line for line in body)]
    return Written("\n".join(lines) + "\n", writer.names)


@dataclass(slots=True)
class _Writer:
    layout: Layout
    structs: Structs
    switches: Switches
    names: dict[str, Any]
    branches: int = 0
    wanted: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for position in reversed(self.layout.positions):
            here = self.structs.positions[position.number]
            deeper = any(child.number in self.wanted for child in position.children)
            if position.inputs or here.hidden or deeper:
                self.wanted.add(position.number)

    # Control flow

    def node(self, node: Node) -> Iterator[str]:
        match node:
            case Fetch():
                yield from self._send(node)
                yield from self._take(node)
            case InSequence(nodes):
                for each in nodes:
                    yield from self.node(each)
            case Parallel(nodes):
                yield from self._side_by_side(self._running(nodes))
            case Condition():
                for each in self._running((node,)):
                    yield from self.node(each)
            case _:
                raise NotCompilable("events are the generic executor's")

    def _running(self, nodes: Sequence[Node]) -> list[Node]:
        found: list[Node] = []
        for each in nodes:
            inner: Node | None = each
            while isinstance(inner, Condition):
                inner = inner.node if self.switches[inner.variable] is inner.equals else None
            if inner is not None:
                found.append(inner)
        return found

    def _side_by_side(self, nodes: list[Node]) -> Iterator[str]:
        """Single fetches are sent first and taken last; of longer branches all but one run as tasks of their own."""
        single = [each for each in nodes if isinstance(each, Fetch)]
        longer = [each for each in nodes if not isinstance(each, Fetch)]
        for fetch in single:
            yield from self._send(fetch)
        tasks = []
        for each in longer[1:]:
            self.branches += 1
            name = f"branch{self.branches}"
            inner = list(self.node(each))
            if not inner:
                continue
            assigned = sorted({line.split(" = ", 1)[0].strip() for line in inner if _assigns(line)})
            yield f"{' = '.join(assigned)} = None"
            yield f"async def {name}():"
            yield f"{INDENT}nonlocal {', '.join(assigned)}"
            yield from (INDENT + line for line in inner)
            yield f"task_{name} = run.beside({name}())"
            tasks.append(f"task_{name}")
        for each in longer[:1]:
            yield from self.node(each)
        for fetch in single:
            yield from self._take(fetch)
        yield from (f"await {task}" for task in tasks)

    # One fetch

    def _send(self, fetch: Fetch) -> Iterator[str]:
        number = fetch.id
        if not fetch.inputs:
            yield f"sent{number} = run.send({number})"
            return
        for index, giver in enumerate(self.layout.givers[number]):
            yield from self._keys(f"{number}_{index}", giver)
        names = [f"{number}_{index}" for index in range(len(fetch.inputs))]
        yield f"sent{number} = None"
        yield f"if {' or '.join(f'keys{name}' for name in names)}:"
        yield f"{INDENT}sent{number} = run.send({number}, {', '.join(f'representations{name}' for name in names)})"

    def _keys(self, name: str, giver: Giver) -> Iterator[str]:
        """What is asked about: each representation once, by what tells it from others."""
        wanted, position = giver.wanted, giver.position
        assert wanted is not None
        type_name = wanted.typename_as or position.type_name
        required = _plain(wanted)
        key = self._key(position, required)
        yield f"keys{name} = dict.fromkeys([{key} for o in at{position.number}])"
        if len(required) == 1:
            yield f"keys{name}.pop(None, None)"
            yield f"if UNSET in keys{name}: raise Surprise"
            made = "key"
        else:
            nothing = ", ".join("None" for _ in required)
            yield f"keys{name}.pop(({nothing}), None)"
            yield f"for key in keys{name}:"
            yield f"{INDENT}if UNSET in key: raise Surprise"
            made = "*key"
        entries: list[tuple[str, Any]] = [(each.name, Any) for each in required]
        self.names[f"R{name}"] = msgspec.defstruct("R", entries, tag_field="__typename", tag=type_name, gc=False)
        yield f"representations{name} = encode([R{name}({made}) for key in keys{name}])"

    def _key(self, position: Position, required: list[RequiredField]) -> str:
        attributes = self.structs.positions[position.number].attributes
        parts = [f"o.{attributes[each.source]}" for each in required]
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

    def _take(self, fetch: Fetch) -> Iterator[str]:
        number = fetch.id
        if not fetch.inputs:
            yield f"data{number} = run.read({number}, await sent{number})"
            (giver,) = self.layout.givers[number]
            yield from self._children(giver, f"(data{number},)", self.structs.roots[number])
            return
        yield f"data{number} = run.read({number}, await sent{number}) if sent{number} is not None else None"
        for index, giver in enumerate(self.layout.givers[number]):
            yield from self._set(f"{number}_{index}", index, giver)

    def _set(self, name: str, index: int, giver: Giver) -> Iterator[str]:
        """What the entities hold goes to every object that stands for them."""
        number, position = giver.fetch.id, giver.position
        assert giver.wanted is not None
        given = self.structs.entities[(number, index)]
        here = self.structs.positions[position.number]
        yield f"list{name} = data{number}.{giver.wanted.alias} if data{number} is not None else ()"
        yield f"if len(list{name}) != len(keys{name}): raise Surprise"
        sets = list(self._assignments(giver, given, here))
        if sets:
            yield f"got{name} = dict(zip(keys{name}, list{name}))"
            key = self._key(position, _plain(giver.wanted))
            yield f"for o in at{position.number}:"
            yield f"{INDENT}e = got{name}.get({key})"
            yield f"{INDENT}if e is not None:"
            yield from (INDENT * 2 + line for line in sets)
            if not all(self._may_lack(member) for member in self._brought(giver)):
                yield f"{INDENT}else: raise Surprise"
            elif any(member.is_read for member in self._brought(giver)):
                # What other fetches were to read of it was never given, which is not the same as null.
                yield f"{INDENT}elif {_is_asked(key)}: raise Surprise"
        yield from self._children(giver, f"[e for e in list{name} if e is not None]", given)

    def _brought(self, giver: Giver) -> list[Member]:
        return [giver.position.members[key] for key in giver.keys]

    def _may_lack(self, member: Member) -> bool:
        others = len(member.givers) > 1
        return member.shown is None or others or member.shown.slot.nullable

    def _assignments(self, giver: Giver, given: PositionStruct, here: PositionStruct) -> Iterator[str]:
        for member in self._brought(giver):
            target, source = f"o.{here.attributes[member.key]}", f"e.{given.attributes[member.key]}"
            if member.shown is None and not member.is_read:
                continue
            if len(member.givers) > 1:
                # A null never replaces what another subgraph gave.
                yield f"if {source} is not None: {target} = {source}"
            else:
                yield f"{target} = {source}"

    # Lists of objects

    def _children(self, giver: Giver, parents: str, given: PositionStruct) -> Iterator[str]:
        """The objects that came with the giver's own."""
        for key in giver.keys:
            child = giver.position.members[key].child
            if child is not None and child.number in self.wanted:
                yield from self._collected(child, parents, given.attributes[key])

    def _collected(self, position: Position, parents: str, attribute: str) -> Iterator[str]:
        yield f"at{position.number} = [{_items(position.slot, parents, attribute)}]"
        here = self.structs.positions[position.number]
        for member in position.members.values():
            child = member.child
            if child is not None and child.base is position.base and child.number in self.wanted:
                yield from self._collected(child, f"at{position.number}", here.attributes[member.key])

    # The answer

    def answer(self) -> Iterator[str]:
        for position in self.layout.positions:
            here = self.structs.positions[position.number]
            if here.hidden and position.parent is not None:
                yield f"for o in at{position.number}: {' = '.join(f'o.{each}' for each in here.hidden)} = UNSET"
        root = self.layout.root
        here = self.structs.positions[root.number]
        self.names["Root"] = here.type
        parts = []
        for member in root.members.values():
            if member.shown is None or member.shown.typename:
                continue
            (giver,) = member.givers
            given = self.structs.roots[giver.fetch.id]
            parts.append(f"{here.attributes[member.key]}=data{giver.fetch.id}.{given.attributes[member.key]}")
        yield f"return encode(Root({', '.join(parts)}))"


def _is_asked(key: str) -> str:
    return " or ".join(f"{part} is not None" for part in key.strip("()").split(", "))


def _assigns(line: str) -> bool:
    name, mark, _ = line.partition(" = ")
    return bool(mark) and name.isidentifier()


def _plain(wanted: EntityInput) -> list[RequiredField]:
    found = []
    for each in wanted.requires:
        if isinstance(each, RequiredFragment) or each.selections:
            raise NotCompilable("a representation with objects in it")
        found.append(each)
    if not found:
        raise NotCompilable("a representation of nothing")
    return found


def _items(slot: Slot, parents: str, attribute: str) -> str:
    """`v for o in parents ...` over the lists, without nulls."""
    text = f"v for o in {parents} if (v := o.{attribute}) is not None"
    depth, value = 0, slot.value
    while isinstance(value, Listing):
        depth, value = depth + 1, value.item.value
    if depth == 0:
        return text
    text = f"v for o in {parents} if (l0 := o.{attribute}) is not None"
    for level in range(1, depth):
        text += f" for l{level} in l{level - 1} if l{level} is not None"
    return f"{text} for v in l{depth - 1} if v is not None"
