"""The client's answer as data: which value of the response tree stands where, and what it must be.

The planner writes it from the normalised operation and the API schema; `execution.projection` reads values out of the
response tree by it and applies GraphQL's rules on null. It alone decides the order of keys and what a client sees.
"""

from __future__ import annotations

from msgspec import Struct

from gateway.plan.deferral import FIRST, DeferHere, Part, StreamHere


class Leaf(Struct, frozen=True, tag=True):
    """A scalar or enum. `scalar`: built-in name checked on the way out, else passed through. `values`: an enum's
    public values (anything else, an inaccessible value say, is an error and null)."""

    type_name: str
    values: frozenset[str] | None = None


class Listing(Struct, frozen=True, tag=True):
    """A list of `item`; `stream`: it may come in two goes."""

    item: Slot
    stream: StreamHere | None = None


class Object(Struct, frozen=True, tag=True):
    """An object of static type `type_name`; which fields apply depends on its concrete type.

    possible: the concrete types that the API schema allows here. If there is one, `__typename` may be missing.
    fields: in response order, already merged over fragments.
    defers: the deferred fragments that stand here.
    denies: one of the fields is denied and may not be null, so that the object may be lost whatever was fetched.
    """

    type_name: str
    possible: frozenset[str]
    fields: tuple[ShapeField, ...]
    defers: tuple[DeferHere, ...] = ()
    denies: bool = False


class Slot(Struct, frozen=True):
    """A value's place: what it is and whether null is allowed there."""

    value: Leaf | Listing | Object
    nullable: bool


class Toggle(Struct, frozen=True):
    """An @include/@skip that survived normalisation: the field is there only when `variable` equals `equals`."""

    variable: str
    equals: bool


class ShapeField(Struct, frozen=True):
    """One response key.

    key: the client's response key. source: the key in the response tree (they differ when the planner had to alias).
    types: concrete types of the parent for which it holds; empty means all.
    toggles: any-of list of all-of lists; empty means always.
    typename: this is `__typename` itself: answered from the tree or from the static type, never null.
    part: with which part of the answer it comes.
    asked_in: the deferred fragments that ask it, 0 for none; only told where something is deferred.
    denied: the caller may not see it. It is null, whatever the tree holds.
    """

    key: str
    source: str
    slot: Slot
    types: frozenset[str] = frozenset()
    toggles: tuple[tuple[Toggle, ...], ...] = ()
    typename: bool = False
    part: Part = FIRST
    asked_in: frozenset[int] = frozenset()
    denied: bool = False


class Denied(Struct, frozen=True):
    """A place that the caller may not see. In its path `@` stands for every item of a list.

    when: it is asked for only if of each of these lists one alternative holds: those of the fields on the way to it.
    """

    path: tuple[str, ...]
    when: tuple[tuple[tuple[Toggle, ...], ...], ...] = ()
