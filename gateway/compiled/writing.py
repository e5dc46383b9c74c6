"""The source text of a program: one coroutine that fetches, sets and encodes, with nothing left to decide.

In: a plan's node, its layout and structs. Out: text, and the objects that it names. Its variables: `at3` are the
objects at position 3; `sent2` is the answer that fetch 2 waits for and `data2` what it held; `key2_0_at3`
tells each object at position 3 from others for the first input of fetch 2, `keys2_0` has each of those once, and
`got2_0` the entity for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from gateway.compiled.alike import Merging, depth, merging
from gateway.compiled.known_again import known_of, positions_known, taking_known
from gateway.compiled.positions import Asked, Giver, Layout, Member, NotCompilable, Position, Switches
from gateway.compiled.repeated import Counts, gathering, telling_apart
from gateway.compiled.representing import key_of, plain_fields, representing
from gateway.compiled.struct_types import Entry, struct_type
from gateway.compiled.structs import Fields, Structs
from gateway.compiled.typed_later import reader_by_type
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, RequiredField
from gateway.plan.nodes import Sequence as InSequence
from gateway.plan.shape import Listing, Slot

INDENT = "    "
_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class Written:
    """text: defines `program(run)`. names: what it uses besides built-ins."""

    text: str
    names: dict[str, Any]


def written(layout: Layout, structs: Structs, switches: Switches, counts: Counts, surprise: type[Exception]) -> Written:
    names = {"UNSET": UNSET, "Raw": Raw, "Surprise": surprise, "encode": _encoder.encode}
    writer = _Writer(layout, structs, switches, counts, names)
    body = [*writer.node(layout.node), *writer.answer()]
    lines = [*writer.functions, "async def program(run):", *(INDENT + line for line in body)]
    return Written("\n".join(lines) + "\n", writer.names)


@dataclass(slots=True)
class _Writer:
    """wanted: the positions whose objects are gathered: with something to ask, to unset, or to read by type.

    rendering: by position, what puts the text of objects that are alike in their places.
    known: the inputs of which some objects may be known.
    """

    layout: Layout
    structs: Structs
    switches: Switches
    counts: Counts
    names: dict[str, Any]
    functions: list[str] = field(default_factory=list)
    rendering: dict[int, list[str]] = field(default_factory=dict)
    wanted: set[int] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    branches: int = 0

    def __post_init__(self) -> None:
        known = positions_known(self.layout)
        for position in reversed(self.layout.positions):
            self.wanted |= {member.children[0].number for member in position.members.values() if member.by_text}
            hidden = self.structs.positions[position.number].hidden
            deeper = any(child.number in self.wanted for child in position.children)
            if position.inputs or hidden or position.by_type or deeper or position.number in known:
                self.wanted.add(position.number)

    # Which fetch runs when

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
                raise NotCompilable("events")

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
            inner = list(self.node(each))
            if not inner:
                continue
            self.branches += 1
            name = f"branch{self.branches}"
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
        keys, written = [], []
        for index, several in enumerate(self.layout.asked[number]):
            named = _named(number, index, several)
            for name, asked in named:
                keys.append(f"keys{name}")
                yield from self._keys(name, asked)
            written.append(_joined([f"texts{name}" for name, _ in named]))
        yield f"sent{number} = run.send({number}, {', '.join(written)}) if {' or '.join(keys)} else None"

    def _keys(self, name: str, asked: Asked) -> Iterator[str]:
        """What is asked about: each representation once. `texts`: those, as a JSON list without its brackets."""
        required = [self._key_of_each(f"{name}_at{giver.position.number}", asked, giver) for giver in asked.givers]
        lists = []
        for giver, (lines, _) in zip(asked.givers, required, strict=True):
            yield from lines
            lists.append(f"key{name}_at{giver.position.number}")
        yield f"keys{name} = dict.fromkeys({' + '.join(lists)})"
        fields = required[0][1]
        wanted = asked.givers[0].wanted
        assert wanted is not None
        places = known_of(wanted, self.layout.root)
        if places and (fields is None or len(asked.readings) > 1):
            raise NotCompilable("objects that may be known, by more than plain values or read in several ways")
        if fields is None:
            yield f"keys{name}.pop(None, None)"
            yield f'texts{name} = b",".join(keys{name})'
            return
        if len(fields) == 1:
            yield f"keys{name}.pop(None, None)"
            yield f"if UNSET in keys{name}: raise Surprise"
        else:
            yield f"keys{name}.pop(({', '.join('None' for _ in fields)}), None)"
            yield f"for k in keys{name}:"
            yield f"{INDENT}if UNSET in k: raise Surprise"
        if places:
            given = self.structs.given[asked.givers[0]]
            self.names[f"Given{name}"] = given.type
            yield from taking_known(name, places, fields, given, self.structs.positions)
            self.known.add(name)
        entries: list[Entry] = [(each.name, Any, msgspec.NODEFAULT) for each in fields]
        self.names[f"R{name}"] = struct_type("R", entries, tag=asked.type_name)
        made = "k" if len(fields) == 1 else "*k"
        yield f"texts{name} = encode([R{name}({made}) for k in keys{name}])[1:-1]"

    def _key_of_each(self, name: str, asked: Asked, giver: Giver) -> tuple[list[str], list[RequiredField] | None]:
        """Lines that set `key` for each object at one position: its representation, or the values in it."""
        wanted, position = giver.wanted, giver.position
        assert wanted is not None
        fields = plain_fields(wanted, [each.position for each in asked.givers])
        if fields is not None:
            key = key_of(fields, self.structs.positions[position.number])
            return [f"key{name} = [{key} for o in at{position.number}]"], fields
        function = f"represented{name}"
        self.functions += representing(function, wanted, position, asked.type_name, self.structs.positions, self.names)
        return [f"key{name} = [{function}(o) for o in at{position.number}]"], None

    def _take(self, fetch: Fetch) -> Iterator[str]:
        number = fetch.id
        if not fetch.inputs:
            yield f"data{number} = run.read({number}, await sent{number})"
            ((asked,),) = self.layout.asked[number]
            yield from self._children(asked.givers[0], f"(data{number},)")
            return
        yield f"data{number} = run.read({number}, await sent{number}) if sent{number} is not None else None"
        for index, several in enumerate(self.layout.asked[number]):
            named = _named(number, index, several)
            whole = f"list{number}_{index}"
            wanted = several[0].givers[0].wanted
            assert wanted is not None
            yield f"{whole} = data{number}.{wanted.alias} if data{number} is not None else ()"
            yield f"if len({whole}) != {' + '.join(f'len(keys{name})' for name, _ in named)}: raise Surprise"
            start = "0"
            for name, asked in named:
                part = whole
                if len(named) > 1:
                    end = f"{start} + len(keys{name})" if start != "0" else f"len(keys{name})"
                    part, start = f"{whole}[{start}:{end}]", end
                yield from self._read(fetch, name, asked, part, is_raw=len(named) > 1)

    def _read(self, fetch: Fetch, name: str, asked: Asked, part: str, is_raw: bool) -> Iterator[str]:
        """The entities of one type, once for all positions or for each by itself."""
        readings = asked.readings
        for number, reading in enumerate(readings):
            here = name if len(readings) == 1 else f"{name}_{number}"
            if is_raw or len(readings) > 1:
                self.names[f"read{here}"] = self._reader(fetch, self.structs.given[reading[0]].type)
            if len(readings) > 1:
                yield f"own{here} = set(key{name}_at{reading[0].position.number})"
                yield f"pairs{here} = [(k, read{here}(e)) for k, e in zip(keys{name}, {part}) if k in own{here}]"
                yield f"got{here} = dict(pairs{here})"
                yield f"list{here} = [e for _, e in pairs{here}]"
            else:
                yield f"list{here} = " + (f"[read{here}(e) for e in {part}]" if is_raw else part)
                known = f"known{name} | " if name in self.known else ""
                yield f"got{here} = {known}dict(zip(keys{name}, list{here}))"
            yield from self._set(here, name, reading)

    def _reader(self, fetch: Fetch, struct: type[Struct]) -> Any:
        if fetch.subgraph in self.structs.hosted:
            return partial(msgspec.convert, type=struct | None)
        return msgspec.json.Decoder(struct | None).decode

    def _set(self, name: str, keys: str, reading: list[Giver]) -> Iterator[str]:
        """What the entities hold goes to every object that stands for them."""
        # Before they are set: objects of several types are read first.
        yield from self._children(reading[0], f"[e for e in list{name} if e is not None]")
        given = self.structs.given[reading[0]]
        for giver in reading:
            number = giver.position.number
            brought = [giver.position.members[key] for key in giver.keys]
            sets = list(_assignments(brought, given, self.structs.positions[number]))
            if not sets:
                continue
            yield f"for o, k in zip(at{number}, key{keys}_at{number}):"
            yield f"{INDENT}e = got{name}.get(k)"
            yield f"{INDENT}if e is not None:"
            yield from (INDENT * 2 + line for line in sets)
            if not all(map(_may_lack, brought)):
                yield f"{INDENT}else: raise Surprise"
            elif any(member.is_read for member in brought):
                # What other fetches were to read of it was never given, which is not the same as null.
                yield f"{INDENT}elif k in got{name}: raise Surprise"

    # Gathering objects

    def _children(self, giver: Giver, parents: str) -> Iterator[str]:
        """The objects that came with the giver's own."""
        given = self.structs.given[giver]
        for key in giver.keys:
            yield from self._gathered(giver.position.members[key], parents, given.attributes[key], copied=True)

    def _gathered(self, member: Member, parents: str, attribute: str, copied: bool = False) -> Iterator[str]:
        """`copied`: what the parents hold is set on other objects before the end."""
        if not any(child.number in self.wanted for child in member.children):
            return
        assert member.shown is not None
        first, slot = member.children[0], member.shown.slot
        if not member.by_type:
            here = self.structs.positions[first.number]
            if member.by_text:
                self.names[f"tell_apart{first.number}"] = telling_apart(member, here.type, self.counts)
                merged: Merging | None = gathering(member, parents, attribute)
            else:
                merged = merging(member, parents, attribute, copied, here)
            if merged is None:
                yield f"at{first.number} = [{_items(slot, parents, attribute)}]"
            else:
                yield from merged.gathering
                self.rendering[first.number] = merged.rendering
            yield from self._gathered_below(first)
            return
        types = {child.type_name: self.structs.positions[child.number].type for child in member.children}
        name = f"by_type{first.number}"
        base = first.base
        hosted = base is not None and base.fetch.subgraph in self.structs.hosted
        self.names[name] = reader_by_type(types, self.names["Surprise"], hosted)
        yield f"for o in {parents}:"
        yield f"{INDENT}if o.{attribute} is not None: o.{attribute} = {_each(slot, f'o.{attribute}', name)}"
        yield f"all{first.number} = [{_items(slot, parents, attribute)}]"
        for child in member.children:
            self.names[f"At{child.number}"] = self.structs.positions[child.number].type
            yield f"at{child.number} = [v for v in all{first.number} if type(v) is At{child.number}]"
            yield from self._gathered_below(child)

    def _gathered_below(self, position: Position) -> Iterator[str]:
        here = self.structs.positions[position.number]
        for member in position.members.values():
            if member.children and member.children[0].base is position.base:
                yield from self._gathered(member, f"at{position.number}", here.attributes[member.key])

    # The answer

    def answer(self) -> Iterator[str]:
        for position in self.layout.positions[1:]:
            here = self.structs.positions[position.number]
            if here.hidden:
                yield f"for o in at{position.number}: {' = '.join(f'o.{each}' for each in here.hidden)} = UNSET"
        # Deepest first: a text holds those of the objects in it.
        for _, lines in sorted(self.rendering.items(), reverse=True):
            yield from lines
        root = self.layout.root
        here = self.structs.positions[root.number]
        self.names["Root"] = here.type
        parts = []
        for member in root.members.values():
            if member.shown is None or member.shown.typename:
                continue
            if len(member.givers) > 1:
                raise NotCompilable("two fetches bring a root field")
            (giver,) = member.givers
            given = self.structs.given[giver].attributes[member.key]
            parts.append(f"{here.attributes[member.key]}=data{giver.fetch.id}.{given}")
        self.names["Whole"] = struct_type("Whole", [("data", here.type, msgspec.NODEFAULT)])
        yield f"return encode(Whole(Root({', '.join(parts)})))"


def _named(number: int, index: int, several: list[Asked]) -> list[tuple[str, Asked]]:
    if len(several) == 1:
        return [(f"{number}_{index}", several[0])]
    return [(f"{number}_{index}_{place}", asked) for place, asked in enumerate(several)]


def _joined(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return f'b",".join([each for each in ({", ".join(texts)}) if each])'


def _assignments(brought: list[Member], given: Fields, here: Fields) -> Iterator[str]:
    for member in brought:
        target, source = f"o.{here.attributes[member.key]}", f"e.{given.attributes[member.key]}"
        if member.shown is None and not member.is_read:
            continue
        if len(member.givers) > 1:
            # A null never replaces what another subgraph gave.
            yield f"if {source} is not None: {target} = {source}"
        else:
            yield f"{target} = {source}"


def _may_lack(member: Member) -> bool:
    return member.shown is None or len(member.givers) > 1 or member.shown.slot.nullable


def _assigns(line: str) -> bool:
    name, mark, _ = line.partition(" = ")
    return bool(mark) and name.isidentifier()


def _items(slot: Slot, parents: str, attribute: str) -> str:
    """`v for o in parents ...` over the lists, without nulls."""
    lists = depth(slot)
    if lists == 0:
        return f"v for o in {parents} if (v := o.{attribute}) is not None"
    text = f"v for o in {parents} if (l0 := o.{attribute}) is not None"
    for level in range(1, lists):
        text += f" for l{level} in l{level - 1} if l{level} is not None"
    return f"{text} for v in l{lists - 1} if v is not None"


def _each(slot: Slot, value: str, function: str, level: int = 0) -> str:
    """The value with the function called for each object in it; it is told whether null may stand there."""
    if not isinstance(slot.value, Listing):
        return f"{function}({value}, {slot.nullable})"
    item = slot.value.item
    inner = _each(item, f"v{level}", function, level + 1)
    if isinstance(item.value, Listing):
        inner = f"None if v{level} is None else {inner}"
    return f"[{inner} for v{level} in {value}]"
