"""Where every object of an answer stands, which fetch brings it, and which brings each of its fields.

In: a plan and the values of its conditions. Out: a tree of `Position`s with the fetches' inputs attached. Refuses
(`NotCompilable`) what structs cannot hold: objects of several types, values that two fetches bring together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.compiled.selections import Selection, selections_of
from gateway.plan.nodes import Condition, EntityInput, Fetch, Node, Parallel, RequiredField, RequiredFragment, Subscribe
from gateway.plan.nodes import Sequence as InSequence
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Leaf, Listing, Object, ShapeField, Slot

Switches = Mapping[str, bool]
"""The value of each variable that a condition depends on."""


class NotCompilable(Exception):
    """No program can be written for this plan; the generic executor runs it."""


@dataclass(eq=False, slots=True)
class Giver:
    """One fetch's root, or one of its inputs: what brings fields of the objects at one position.

    keys: those that it brings, in its document's order.
    """

    fetch: Fetch
    wanted: EntityInput | None
    position: Position
    keys: list[str] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Member:
    """One key of the objects at a position.

    shown: what the client sees; None: only the plan reads it. givers: who brings it, the first may be the base.
    child: of the position of the objects that it holds.
    """

    key: str
    shown: ShapeField | None
    givers: list[Giver] = field(default_factory=list)
    child: Position | None = None
    is_read: bool = False


@dataclass(eq=False, slots=True)
class Position:
    """All objects at one place of the answer, lists on the way left out.

    base: who brings the objects themselves; None for the root.
    slot: how the parent holds them. inputs: the fetches that ask for more of them.
    named_by: who tells the objects' type, too; it must be the one that it can be.
    """

    number: int
    type_name: str
    path: tuple[str, ...]
    slot: Slot
    parent: Position | None
    members: dict[str, Member] = field(default_factory=dict)
    base: Giver | None = None
    inputs: list[Giver] = field(default_factory=list)
    named_by: set[Giver] = field(default_factory=set)

    @property
    def children(self) -> Iterator[Position]:
        return (member.child for member in self.members.values() if member.child)


@dataclass(slots=True)
class Layout:
    """root: the position of the answer itself. givers: by fetch id, one for a root fetch, else one for each input."""

    root: Position
    givers: dict[int, list[Giver]]
    positions: list[Position]


def layout_of(plan: QueryPlan, switches: Switches) -> Layout:
    """The positions of the plan's answer."""
    if plan.introspection is not None or plan.deferral is not None or isinstance(plan.node, Subscribe):
        raise NotCompilable("introspection, pieces and events are the generic executor's")
    if plan.node is None:
        raise NotCompilable("there is nothing to fetch")
    positions: list[Position] = []
    root = _position(plan.shape, Slot(plan.shape, nullable=True), (), None, switches, positions)
    layout = Layout(root, {}, positions)
    for fetch in fetches_in(plan.node, switches):
        layout.givers[fetch.id] = list(_givers(fetch, root, switches))
    for givers in layout.givers.values():
        for giver in givers:
            _read(giver)
    _refuse_unfilled(positions)
    return layout


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
            raise NotCompilable("events are the generic executor's")


def _position(
    shape: Object,
    slot: Slot,
    path: tuple[str, ...],
    parent: Position | None,
    switches: Switches,
    positions: list[Position],
) -> Position:
    if len(shape.possible) != 1:
        raise NotCompilable(f"objects of several types at {'.'.join(path)}")
    (type_name,) = shape.possible
    found = Position(len(positions), type_name, path, slot, parent)
    positions.append(found)
    for each in shape.fields:
        if (each.types and type_name not in each.types) or not is_there(each, switches):
            continue
        if each.key in found.members:
            continue
        if each.source != each.key and not each.typename:
            raise NotCompilable(f"{each.key} is kept under another key")
        member = found.members[each.key] = Member(each.key, each)
        held = _object_in(each.slot)
        if held is not None:
            member.child = _position(held, each.slot, (*path, each.key), found, switches, positions)
    return found


def is_there(each: ShapeField, switches: Switches) -> bool:
    return not each.toggles or any(
        all(switches[toggle.variable] is toggle.equals for toggle in toggles) for toggles in each.toggles
    )


def _object_in(slot: Slot) -> Object | None:
    value: Leaf | Listing | Object = slot.value
    while isinstance(value, Listing):
        value = value.item.value
    return value if isinstance(value, Object) else None


def _givers(fetch: Fetch, root: Position, switches: Switches) -> Iterator[Giver]:
    if fetch.renames or fetch.copies or not fetch.keeps_typename:
        raise NotCompilable(f"fetch {fetch.id} renames, copies or keeps types of its own")
    selections = selections_of(fetch.document, switches)
    if not fetch.inputs:
        giver = Giver(fetch, None, root)
        _give(giver, root, selections)
        yield giver
    for wanted in fetch.inputs:
        if wanted.contexts or not wanted.alias:
            raise NotCompilable(f"fetch {fetch.id} has contexts or asks the root")
        position = _at(root, wanted)
        giver = Giver(fetch, wanted, position)
        position.inputs.append(giver)
        _give(giver, position, selections[wanted.alias].below)
        yield giver


def _at(root: Position, wanted: EntityInput) -> Position:
    here = root
    for step in wanted.path:
        member = here.members.get(step.key)
        if member is None or member.child is None:
            raise NotCompilable(f"an input below {step.key}, which no client sees")
        here = member.child
        if step.types and here.type_name not in step.types:
            raise NotCompilable("an input for objects of another type")
    return here


def _give(giver: Giver, position: Position, selections: Mapping[str, Selection]) -> None:
    """Note what the giver brings at the position, and below it."""
    for key, selection in selections.items():
        if selection.types and selection.types != {position.type_name}:
            raise NotCompilable(f"{key} is asked for some types only")
        if selection.is_typename:
            if key == "__typename":
                position.named_by.add(giver)
            continue
        member = position.members.setdefault(key, Member(key, None))
        if member.givers and (member.child is not None or selection.below):
            raise NotCompilable(f"two fetches bring {key}")
        member.givers.append(giver)
        if position is giver.position:
            giver.keys.append(key)
        if member.child is not None:
            member.child.base = giver
            _give(giver, member.child, selection.below)


def _read(giver: Giver) -> None:
    if giver.wanted is not None:
        _mark_read(giver.position, giver.wanted.requires)


def _mark_read(position: Position, required: Sequence[RequiredField | RequiredFragment]) -> None:
    for each in required:
        if isinstance(each, RequiredFragment):
            raise NotCompilable("a representation that depends on a type")
        member = position.members.get(each.source)
        if member is None or not member.givers:
            raise NotCompilable(f"nobody brings {each.source}")
        member.is_read = True
        if member.child is not None:
            _mark_read(member.child, each.selections)


def _refuse_unfilled(positions: list[Position]) -> None:
    for position in positions:
        if position.parent is not None and position.base is None:
            raise NotCompilable(f"nobody brings {'.'.join(position.path)}")
        for member in position.members.values():
            if not member.givers and not (member.shown and member.shown.typename):
                raise NotCompilable(f"nobody brings {'.'.join((*position.path, member.key))}")
