"""Fetches in the making: what each asks, where its objects are, and which fetches it waits for.

In: nothing; `emit.py` fills it, the passes rework it, `document.py` and `order.py` read it. Mutable on purpose: this
is the one stage of planning that is built up piece by piece. Nothing of it outlives the planning of one operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.operation.conditions import ALWAYS, NEVER, Conditions, either
from gateway.operation.model import Field
from gateway.plan.deferral import FIRST, Part
from gateway.plan.nodes import ContextSource, KnownAt, OperationKind, RequiredField, RequiredFragment, SubgraphName
from gateway.plan.shape import Toggle
from gateway.query_graph.model import TypeNode

Requirements = tuple[RequiredField | RequiredFragment, ...]


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step to a place: the key, the concrete types that go on (None: any), and all types that may be there."""

    key: str
    types: frozenset[str] | None
    possible: frozenset[str]


Path = tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class ContextSlot:
    """A value that a field is given from an object above: the argument's type, and where the value stands."""

    type_text: str
    sources: tuple[ContextSource, ...]


@dataclass(eq=False, slots=True)
class Item:
    """One field of a selection, for objects of one concrete type or (None) for all.

    contexts: arguments by name, each filled from its slot.
    shown: when a client asks for it.
    """

    key: str
    field: Field
    type_text: str
    concrete: str | None
    conditions: Conditions
    value: Selection | None
    contexts: tuple[tuple[str, ContextSlot], ...] = ()
    shown: Conditions = NEVER

    @property
    def is_shown(self) -> bool:
        """Whether a client sees it whenever it is asked for, and not only the plan."""
        return self.shown == self.conditions

    def means_the_same_as(self, other: Item) -> bool:
        """Whether the other asks for this field too, and for nothing below that would not fit."""
        if (self.field.name, self.field.arguments) != (other.field.name, other.field.arguments):
            return False
        return self.value is None or other.value is None or self.value.agrees_with(other.value)


@dataclass(eq=False, slots=True)
class Selection:
    """The fields that a fetch asks of objects of one static type."""

    node: TypeNode
    items: dict[tuple[str | None, str], Item] = field(default_factory=dict)
    typename: bool = False

    def add(
        self,
        key: str,
        asked: Field,
        concrete: str | None,
        conditions: Conditions,
        type_text: str,
        value: TypeNode | None,
    ) -> Item:
        """The item of the field, made when it is not there; `value` is the static type of a composite one."""
        item = self.items.get((concrete, key))
        if item is None:
            below = Selection(value) if value else None
            item = self.items[(concrete, key)] = Item(key, asked, type_text, concrete, conditions, below)
        else:
            item.conditions = either(item.conditions, conditions)
        if asked.key:
            item.shown = either(item.shown, conditions)
        return item

    def signature(self) -> frozenset[object]:
        """What the selection asks, as a value that equal selections share."""
        return frozenset(
            (item.concrete, key, item.field.name, item.field.arguments, item.conditions)
            + ((item.value.signature(), item.value.typename) if item.value else ())
            for (_, key), item in self.items.items()
        )

    def agrees_with(self, other: Selection) -> bool:
        """Whether both may be asked of the same objects: one key never means two fields."""
        by_key: dict[str, list[Item]] = {}
        for item in self.items.values():
            by_key.setdefault(item.key, []).append(item)
        return all(
            own.means_the_same_as(item)
            for item in other.items.values()
            for own in by_key.get(item.key, ())
            if own.concrete == item.concrete or None in (own.concrete, item.concrete)
        )

    def merge(self, other: Selection) -> None:
        """Take over what another selection of the same static type asks."""
        self.typename = self.typename or other.typename
        for place, item in other.items.items():
            mine = self.items.get(place)
            if mine is None:
                self.items[place] = item
                continue
            mine.conditions = either(mine.conditions, item.conditions)
            mine.shown = either(mine.shown, item.shown)
            if mine.value and item.value:
                mine.value.merge(item.value)


@dataclass(eq=False, slots=True)
class Group:
    """Objects of one place that a fetch asks about: one `_entities` field of its document.

    parts: for each static type that they are asked as, their selection.
    requires: for each concrete type (None: any), what a representation holds.
    contexts: what its fields are given from objects above.
    at_root: they are the query root itself, reached again below the root, and no entities.
    conditions: when the objects are asked about; only then is all of `requires` there.
    known_at: where its subgraph may have told of them already.
    """

    path: Path
    parts: dict[str, Selection]
    requires: dict[str | None, Requirements]
    as_interface: bool
    contexts: set[ContextSlot] = field(default_factory=set)
    at_root: bool = False
    conditions: Conditions = ALWAYS
    known_at: tuple[KnownAt, ...] = ()


@dataclass(eq=False, slots=True)
class FetchDraft:
    """One request in the making: a root fetch has `root`, an entity fetch `groups`; `toggles` hold for all of it.

    part: the part of the answer that it is made for.
    """

    subgraph: SubgraphName
    kind: OperationKind
    root: Selection | None = None
    groups: list[Group] = field(default_factory=list)
    needs: set[FetchDraft] = field(default_factory=set)
    toggles: frozenset[Toggle] | None = None
    part: Part = FIRST

    def hold_under(self, toggles: frozenset[Toggle]) -> None:
        """Something of the fetch is needed only under the toggles; the fetch keeps those that all of it shares."""
        self.toggles = toggles if self.toggles is None else self.toggles & toggles


def stages_of(fetches: Iterable[FetchDraft]) -> dict[FetchDraft, int]:
    """How many fetches of its part of the answer have to come before each, in the order given."""
    stages: dict[FetchDraft, int] = {}

    def stage_of(fetch: FetchDraft) -> int:
        if fetch not in stages:
            stages[fetch] = 1 + max((stage_of(need) for need in fetch.needs if need.part == fetch.part), default=-1)
        return stages[fetch]

    return {fetch: stage_of(fetch) for fetch in fetches}


def narrowed(path: Path, concrete: str | None) -> Path:
    """The path, going on only with objects of the concrete type at its end."""
    if concrete is None or not path:
        return path
    last = path[-1]
    return (*path[:-1], PathStep(last.key, frozenset((concrete,)), last.possible))


def selections_of(fetch: FetchDraft) -> Iterator[Selection]:
    """The top selections of the fetch."""
    if fetch.root is not None:
        yield fetch.root
    for group in fetch.groups:
        yield from group.parts.values()
