"""Where every object of an answer stands, which fetch brings it, and which brings each of its fields.

In: a plan and the values of its conditions. Out: a tree of `Position`s with the fetches' inputs attached. Where objects
of several types may stand there is a position for each type. Refuses (`NotCompilable`) what structs cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import SelectionSetNode

from gateway.compiled.documents import Document, Possible
from gateway.plan.nodes import (
    Condition,
    EntityInput,
    Fetch,
    Node,
    Parallel,
    RequiredField,
    RequiredFragment,
    Step,
    Subscribe,
)
from gateway.plan.nodes import Sequence as InSequence
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Leaf, Listing, Object, ShapeField, Slot

# Objects of several types below objects of several types: their number grows with the power of the depth.
_MOST_POSITIONS = 500
Switches = Mapping[str, bool]
"""The value of each variable that a condition depends on."""


class NotCompilable(Exception):
    """No program can be written for this plan; the generic executor runs it."""


@dataclass(eq=False, slots=True)
class Giver:
    """One fetch's root, or one of its inputs for objects of one type: what brings fields of the objects at a position.

    keys: those that it brings, in its document's order.
    """

    fetch: Fetch
    wanted: EntityInput | None
    position: Position
    keys: list[str] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Asked:
    """Objects of one type that one input asks about together, at one position or several. A root fetch has one, too."""

    type_name: str
    givers: list[Giver]

    @property
    def readings(self) -> list[list[Giver]]:
        """Who reads an entity together: an object in it is another at each position, so that each reads it anew."""
        first, *others = self.givers
        shared = all(
            giver.keys == first.keys and not any(giver.position.members[key].children for key in giver.keys)
            for giver in (self.givers if others else ())
        )
        return [self.givers] if shared else [[giver] for giver in self.givers]


@dataclass(eq=False, slots=True)
class Member:
    """One key of the objects at a position.

    shown: what the client sees; None: only the plan reads it. givers: who brings it, the first may be the base.
    children: the positions of the objects that it holds, one for each type. by_type: the answer has to tell the type.
    by_text: the objects come as text at first, each text to be read once.
    """

    key: str
    shown: ShapeField | None
    givers: list[Giver] = field(default_factory=list)
    children: list[Position] = field(default_factory=list)
    by_type: bool = False
    is_read: bool = False
    by_text: bool = False


@dataclass(eq=False, slots=True)
class Position:
    """All objects of one type at one place of the answer, lists on the way left out.

    base: who brings the objects themselves; None for the root. slot: how the parent holds them.
    inputs: the fetches that ask for more of them. named_by: who tells the objects' type, too.
    """

    number: int
    type_name: str
    path: tuple[str, ...]
    slot: Slot
    by_type: bool = False
    members: dict[str, Member] = field(default_factory=dict)
    base: Giver | None = None
    inputs: list[Giver] = field(default_factory=list)
    named_by: set[Giver] = field(default_factory=set)

    @property
    def children(self) -> Iterator[Position]:
        return (child for member in self.members.values() for child in member.children)


@dataclass(slots=True)
class Layout:
    """asked: by fetch id, one for a root fetch, else those of each input. positions: the root first."""

    node: Node
    root: Position
    asked: dict[int, list[list[Asked]]]
    positions: list[Position]


class _TypeTold(Exception):
    """A document tells the type where nobody asked for it."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path


def layout_of(plan: QueryPlan, switches: Switches, possible: Possible) -> Layout:
    """The positions of the plan's answer. `possible`: the concrete types of a type that clients know."""
    if plan.introspection is not None or plan.deferral is not None or plan.node is None or plan.denied:
        raise NotCompilable("introspection, pieces, denied places, and what fetches nothing")
    told: set[tuple[str, ...]] = set()
    while True:
        try:
            return _Laying(switches, possible, told).layout(plan, plan.node)
        except _TypeTold as found:
            told.add(found.path)


def fetches_in(node: Node, switches: Switches) -> Iterator[Fetch]:
    """Those that run, in an order in which each stands after what it needs."""
    match node:
        case Fetch():
            yield node
        case InSequence(nodes) | Parallel(nodes):
            for each in nodes:
                yield from fetches_in(each, switches)
        case Condition(variable, equals, inner):
            if switches[variable] is equals:
                yield from fetches_in(inner, switches)
        case Subscribe():
            raise NotCompilable("events")


def is_there(each: ShapeField, switches: Switches) -> bool:
    return not each.toggles or any(
        all(switches[toggle.variable] is toggle.equals for toggle in toggles) for toggles in each.toggles
    )


@dataclass(slots=True)
class _Laying:
    """told: the places at which documents tell the type."""

    switches: Switches
    possible: Possible
    told: set[tuple[str, ...]]
    positions: list[Position] = field(default_factory=list)

    def layout(self, plan: QueryPlan, node: Node) -> Layout:
        (root,) = self._positions(plan.shape, Slot(plan.shape, nullable=True), ())
        asked = {fetch.id: self._asked(fetch, root) for fetch in fetches_in(node, self.switches)}
        for inputs in asked.values():
            for giver in (giver for several in inputs for each in several for giver in each.givers):
                if giver.wanted is not None:
                    _mark_read(giver.position, giver.wanted.requires)
        _refuse_unfilled(self.positions)
        return Layout(node, root, asked, self.positions)

    def _positions(self, shape: Object, slot: Slot, path: tuple[str, ...]) -> list[Position]:
        """Objects whose type makes no difference, and is not told, have one position together."""
        depends = any(each.types or each.typename for each in shape.fields) or path in self.told
        if len(shape.possible) > 1 and not depends:
            return [self._position(shape, shape.type_name, slot, path, by_type=False)]
        by_type = len(shape.possible) > 1
        return [self._position(shape, each, slot, path, by_type) for each in sorted(shape.possible)]

    def _position(self, shape: Object, type_name: str, slot: Slot, path: tuple[str, ...], by_type: bool) -> Position:
        if len(self.positions) >= _MOST_POSITIONS:
            raise NotCompilable(f"more than {_MOST_POSITIONS} positions")
        found = Position(len(self.positions), type_name, path, slot, by_type)
        self.positions.append(found)
        for each in shape.fields:
            if (each.types and type_name not in each.types) or not is_there(each, self.switches):
                continue
            if each.key in found.members:
                continue
            if each.source != each.key and not each.typename:
                raise NotCompilable(f"{each.key} is kept under another key")
            member = found.members[each.key] = Member(each.key, each)
            held = _object_in(each.slot)
            if held is not None:
                member.children = self._positions(held, each.slot, (*path, each.key))
                member.by_type = any(child.by_type for child in member.children)
        return found

    def _asked(self, fetch: Fetch, root: Position) -> list[list[Asked]]:
        if fetch.renames or fetch.copies:
            raise NotCompilable("a fetch that renames or copies")
        document = Document(fetch.document, self.switches, self.possible)
        if not fetch.inputs:
            giver = Giver(fetch, None, root)
            self._give(giver, root, document, document.root)
            return [[Asked(root.type_name, [giver])]]
        return [self._of_input(fetch, wanted, root, document) for wanted in fetch.inputs]

    def _of_input(self, fetch: Fetch, wanted: EntityInput, root: Position, document: Document) -> list[Asked]:
        if wanted.contexts or not wanted.alias:
            raise NotCompilable("contexts, or the root asked again")
        below = document.keys(document.root, root.type_name)[wanted.alias].below
        found: dict[str, Asked] = {}
        for position in _at(root, wanted):
            if not position.by_type and position.type_name not in self.possible(position.type_name):
                raise _TypeTold(position.path)
            giver = Giver(fetch, wanted, position)
            position.inputs.append(giver)
            self._give(giver, position, document, below)
            type_name = wanted.typename_as or position.type_name
            found.setdefault(type_name, Asked(type_name, [])).givers.append(giver)
        return list(found.values())

    def _give(self, giver: Giver, position: Position, document: Document, nodes: list[SelectionSetNode]) -> None:
        """Note what the giver brings at the position, and below it."""
        fetch = giver.fetch
        for key, selected in document.keys(nodes, position.type_name).items():
            if selected.is_typename:
                if position.type_name not in self.possible(position.type_name):
                    raise _TypeTold(position.path)
                # An interface object's answer names the interface, which tells nothing of the object.
                if key == "__typename" and (fetch.keeps_typename or position is not giver.position):
                    position.named_by.add(giver)
                continue
            member = position.members.setdefault(key, Member(key, None))
            if member.givers and (member.children or selected.below):
                raise NotCompilable("two fetches bring an object")
            member.givers.append(giver)
            if position is giver.position:
                giver.keys.append(key)
            for child in member.children:
                child.base = giver
                self._give(giver, child, document, selected.below)


def _object_in(slot: Slot) -> Object | None:
    value: Leaf | Listing | Object = slot.value
    while isinstance(value, Listing):
        value = value.item.value
    return value if isinstance(value, Object) else None


def _at(root: Position, wanted: EntityInput) -> list[Position]:
    found = [position for path in wanted.paths for position in positions_at(root, path)]
    if not found:
        raise NotCompilable("an input for nothing that a client sees")
    return found


def positions_at(root: Position, path: Sequence[Step]) -> list[Position]:
    """Where a path leads. Refuses one through what no client sees."""
    found = [root]
    for step in path:
        members = [position.members.get(step.key) for position in found]
        if any(member and member.shown is None for member in members):
            raise NotCompilable("a place below what no client sees")
        found = [
            child
            for member in members
            for child in (member.children if member else ())
            if not step.types or child.type_name in step.types
        ]
    return found


def _mark_read(position: Position, required: Sequence[RequiredField | RequiredFragment]) -> None:
    for each in required:
        if isinstance(each, RequiredFragment):
            if position.type_name in each.types:
                _mark_read(position, each.selections)
            continue
        member = position.members.get(each.source)
        if member is None or not member.givers:
            raise NotCompilable("nobody brings what is read")
        member.is_read = True
        if member.by_type:
            raise NotCompilable("a representation with objects of several types")
        for child in member.children:
            _mark_read(child, each.selections)


def _refuse_unfilled(positions: list[Position]) -> None:
    for position in positions[1:]:
        if position.base is None:
            raise NotCompilable("nobody brings an object")
    for position in positions:
        for member in position.members.values():
            if not member.givers and not (member.shown and member.shown.typename):
                raise NotCompilable("nobody brings a field")
