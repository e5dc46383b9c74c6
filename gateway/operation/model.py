"""One client operation, made plain: the form that planning starts from.

In: nothing. Out: frozen values, made by `prepare.py`. Fragments are gone: a field carries the concrete types for
which it holds. Fields compare by identity, so that they are cheap keys of a cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.operation.conditions import ALWAYS, Conditions
from gateway.plan.deferral import FIRST, DeferHere, DeferredFragment, Part, StreamHere
from gateway.plan.nodes import OperationKind


@dataclass(frozen=True, eq=False, slots=True)
class Field:
    """One response key at one place.

    key: the client's response key; empty for a field that only the plan needs, which gets its key when fetches are
        built.
    arguments: as printed, `(zip: $zip)`, or empty; equal arguments print alike.
    variables: those that the arguments use.
    type_name: the named type of its value.
    types: the concrete types of the parent for which it holds; None means all.
    selections: empty for a leaf.
    needed: no client asked for it, but what is fetched below it needs it (see `planner.contexts`).
    part: with which part of the answer it comes; asked_in: the deferred fragments that ask it, 0 for none.
    defers: the deferred fragments that stand in its selections.
    stream: its list may come in two goes.
    places: where it stands among its siblings, and when; it stands at the first of which the conditions hold.
    denied: the caller may not see it: it stands as null, and nothing asks for it.
    """

    key: str
    name: str
    arguments: str
    variables: frozenset[str]
    type_name: str
    types: frozenset[str] | None = None
    conditions: Conditions = ALWAYS
    selections: tuple[Field, ...] = ()
    needed: bool = False
    part: Part = FIRST
    asked_in: frozenset[int] = frozenset()
    defers: tuple[DeferHere, ...] = ()
    stream: StreamHere | None = None
    places: tuple[tuple[int, Conditions], ...] = ()
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as declared: `definition` is its text, `$zip: String = "1234"`."""

    name: str
    definition: str


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """The operation. `introspection` is a document of its `__schema` and `__type` fields only, if it has any.

    root_keys: every response key of the root in the client's order, introspection's too.
    deferred: its active @defer's by id, beginning with 1; defers: those that stand at the root.
    streams: its active @stream's.
    """

    kind: OperationKind
    name: str | None
    root_type: str
    fields: tuple[Field, ...]
    variables: tuple[Variable, ...]
    root_keys: tuple[str, ...]
    introspection: str | None
    deferred: tuple[DeferredFragment, ...] = ()
    defers: tuple[DeferHere, ...] = ()
    streams: tuple[StreamHere, ...] = ()
