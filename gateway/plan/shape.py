"""The client's answer as data: which value of the response tree stands where, and what it must be.

The planner writes it from the normalised operation and the API schema; `execution.projection` reads values out of the
response tree by it and applies GraphQL's rules on null. It alone decides the order of keys and what a client sees.
"""

from __future__ import annotations

from msgspec import Struct


class Leaf(Struct, frozen=True, tag=True):
    """A scalar or enum. `scalar`: built-in name checked on the way out, else passed through. `values`: an enum's
    public values (anything else, an inaccessible value say, is an error and null)."""

    type_name: str
    values: frozenset[str] | None = None


class Listing(Struct, frozen=True, tag=True):
    """A list of `item`."""

    item: Slot


class Object(Struct, frozen=True, tag=True):
    """An object of static type `type_name`; which fields apply depends on its concrete type.

    possible: the concrete types that the API schema allows here. If there is one, `__typename` may be missing.
    fields: in response order, already merged over fragments.
    """

    type_name: str
    possible: frozenset[str]
    fields: tuple[ShapeField, ...]


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
    """

    key: str
    source: str
    slot: Slot
    types: frozenset[str] = frozenset()
    toggles: tuple[tuple[Toggle, ...], ...] = ()
    typename: bool = False
