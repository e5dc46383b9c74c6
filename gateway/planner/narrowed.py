"""Fields cut down to some of their selections or types, when one visit can give only a part of a field.

In: a field, selections and types. Out: a field; equal cuts give the same value, for fields compare by identity. A field
of which only what comes later is left comes later itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.operation.model import Field
from gateway.plan.deferral import Part


class Narrowed:
    """Fields with only some of their selections or types; equal narrowings give the same value."""

    def __init__(self) -> None:
        self.known: dict[tuple[Field, frozenset[str] | None, tuple[Field, ...], Part], Field] = {}

    def to(
        self, field: Field, selections: tuple[Field, ...], types: frozenset[str] | None, part: Part | None = None
    ) -> Field:
        """The field with these selections, for these types, as a field of the part."""
        part = field.part if part is None else part
        if field.selections == selections and field.types == types and field.part == part:
            return field
        found = self.known.get((field, types, selections, part))
        if found is None:
            found = replace(field, selections=selections, types=types, part=part)
            self.known[(field, types, selections, part)] = found
        return found


def by_part(fields: Iterable[Field], part: Part) -> dict[Part, tuple[Field, ...]]:
    """The fields by the part of the answer that they come with; `part` is that of fields which only the plan needs."""
    found: dict[Part, tuple[Field, ...]] = {}
    for field in fields:
        own = field.part if field.key else part
        found[own] = (*found.get(own, ()), field)
    return found
