"""Arguments that come from objects above: where each is read, and what must be fetched there for it.

In: while fetches are made, every use of a context. Out: for each use a `ContextSlot`, the operation with the fields
that the uses need of the objects above, and what each fetch therefore waits for. Planning goes in rounds: a use becomes
known only when its field has been placed, and what it needs above is asked for in the next round like a client's field.

The nearest object above that sets the context counts, told by its concrete type. A use that has none, as below
`node(id)`, has a slot without sources: the field is an error of its own, and the rest is answered. What a later part of
the answer needs above is asked for with that part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.operation.conditions import ALWAYS, Conditions, both, either
from gateway.operation.model import Field, Operation
from gateway.plan.deferral import FIRST, Part
from gateway.plan.nodes import ContextSource
from gateway.planner.errors import Unreachable
from gateway.planner.fetch_graph import ContextSlot, FetchDraft, Path
from gateway.planner.requirements import requirements_of
from gateway.planner.response_keys import ResponseKeys
from gateway.query_graph.model import QueryGraph
from gateway.supergraph.model import ContextArgument

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """One object on the way to a place: the tree's keys there, and the field that led to it (None at the root)."""

    keys: ResponseKeys
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """Where a context is used: the way to the objects, root first, the fetch, and when that fetch is wanted there."""

    path: Path
    levels: tuple[Level, ...]
    fetch: FetchDraft
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class _Hop:
    """One field of the way to an object above, as a round may have to ask for it itself."""

    key: str
    field: Field
    types: frozenset[str] | None

    def leads_through(self, field: Field) -> bool:
        same = (field.key, field.name, field.arguments) == (self.key, self.field.name, self.field.arguments)
        # Where only the plan goes, a client's field of the same name may be under conditions, or of another part.
        if field.needed != (self.field.needed or not self.field.key):
            return False
        return same and (not field.needed or field.part == self.field.part)


class Contexts:
    """The uses of contexts in one operation. `is_complete`: the last round asked for all that it used."""

    def __init__(self, graph: QueryGraph, operation: Operation) -> None:
        self._graph = graph
        self._operation = operation
        self._demands: dict[tuple[Keys, str, Field, frozenset[str], Part], tuple[tuple[_Hop, ...], Field]] = {}
        self.begin()

    def begin(self) -> None:
        """A new round."""
        self.is_complete = True
        self._given: dict[tuple[Keys, str], set[FetchDraft]] = {}
        self._waiting: list[tuple[Use, Keys, str]] = []

    def operation(self) -> Operation:
        """The operation with all that was found to be needed so far."""
        fields = self._operation.fields
        for hops, demand in self._demands.values():
            fields = _with(fields, hops, demand)
        return self._operation if not self._demands else replace(self._operation, fields=fields)

    def given(self, path: Path, key: str, fetches: set[FetchDraft]) -> None:
        """These fetches fill a place that some context reads."""
        self._given.setdefault((_keys(path), key), set()).update(fetches)

    def slot(self, argument: ContextArgument, use: Use) -> ContextSlot:
        """Where the argument's value is read, nearest object first."""
        setters = self._graph.supergraph.contexts.get(argument.context, frozenset())
        sources: list[ContextSource] = []
        for depth in range(len(use.path) - 1, -1, -1):
            here = self._types_at(use.path, depth)
            setting = here & setters
            if setting:
                wanted = self._demanded(argument, setting)
                requires = requirements_of(_typed(wanted, setting), use.levels[depth].keys)
                types = frozenset[str]() if setting == here else setting
                sources.append(ContextSource(depth, types, requires))
                self._demand(wanted, depth, use)
            if setting == here:
                break
        return ContextSlot(argument.type_text, tuple(sources))

    def connect(self) -> None:
        """Make each fetch wait for those that fill the places which it reads."""
        for use, keys, key in self._waiting:
            before = {FIRST, use.fetch.part, *(level.field.part for level in use.levels if level.field)}
            given = self._given.get((keys, key), set())
            use.fetch.needs |= {each for each in given if each.part in before} - {use.fetch}
        for use, _, key in self._waiting:
            if use.fetch in _everything_before(use.fetch):
                raise Unreachable([f"{key}, which would have to be known before itself"])

    def _types_at(self, path: Path, depth: int) -> frozenset[str]:
        if depth == 0:
            # Asking a mutation's or a subscription's root for more would do more than the client asked for.
            return frozenset((self._operation.root_type,)) if self._operation.kind == "query" else frozenset()
        step = path[depth - 1]
        return step.possible if step.types is None else step.types

    def _demanded(self, argument: ContextArgument, setting: frozenset[str]) -> dict[Field, set[str]]:
        """The fields to read, each with the concrete types of which it is read."""
        found: dict[Field, set[str]] = {}
        for concrete in sorted(setting):
            for field in self._graph.demands.of(argument.selection, concrete):
                if field.types is None:
                    found.setdefault(field, set()).add(concrete)
        return found

    def _demand(self, wanted: dict[Field, set[str]], depth: int, use: Use) -> None:
        conditions = use.conditions
        for level in use.levels[depth + 1 :]:
            conditions = both(level.field.conditions if level.field else ALWAYS, conditions)
        keys, hops = use.levels[depth].keys, tuple(_hops(use, depth))
        for field, types in wanted.items():
            key = keys.key_of(field)
            self._waiting.append((use, tuple(hop.key for hop in hops), key))
            part = use.fetch.part
            identity = (tuple(hop.key for hop in hops), key, field, frozenset(types), part)
            known = self._demands.get(identity)
            held = conditions if known is None else either(known[1].conditions, conditions)
            if known is None or held != known[1].conditions:
                self.is_complete = False
                keyed = replace(_keyed(field, key, keys, part), types=frozenset(types), conditions=held)
                self._demands[identity] = (hops, keyed)


def _typed(wanted: dict[Field, set[str]], setting: frozenset[str]) -> tuple[Field, ...]:
    return tuple(
        field if types == setting else replace(field, types=frozenset(types)) for field, types in wanted.items()
    )


def _keyed(field: Field, key: str, keys: ResponseKeys, part: Part) -> Field:
    """A field that only the plan needs, to be asked for like a client's of the part."""
    below = keys.below(key)
    inner = tuple(_keyed(each, below.key_of(each), below, part) for each in field.selections)
    return replace(field, key=key, selections=inner, needed=True, part=part)


def _hops(use: Use, depth: int) -> Iterator[_Hop]:
    for number in range(depth):
        field = use.levels[number + 1].field
        assert field is not None
        if not field.key:
            field = replace(field, part=use.fetch.part)
        yield _Hop(use.path[number].key, field, use.path[number - 1].types if number else None)


def _with(fields: tuple[Field, ...], hops: tuple[_Hop, ...], demand: Field) -> tuple[Field, ...]:
    """The fields with the demand at the end of the hops."""
    if not hops:
        return (*fields, demand)
    hop, *rest = hops
    if any(hop.leads_through(field) for field in fields):
        return tuple(
            replace(field, selections=_with(field.selections, tuple(rest), demand))
            if hop.leads_through(field)
            else field
            for field in fields
        )
    types = hop.types if hop.field.types is None else hop.field.types
    through = replace(
        hop.field,
        key=hop.key,
        types=types,
        conditions=ALWAYS,
        selections=_with((), tuple(rest), demand),
        needed=True,
    )
    return (*fields, through)


def _keys(path: Path) -> Keys:
    return tuple(step.key for step in path)


def _everything_before(fetch: FetchDraft) -> set[FetchDraft]:
    found: set[FetchDraft] = set()
    waiting = list(fetch.needs)
    while waiting:
        before = waiting.pop()
        if before not in found:
            found.add(before)
            waiting += before.needs
    return found
