"""Fields cut down to some of their selections or types, when one visit can give only a part of a field.

In: a field, selections and types. Out: a field; equal cuts give the same value, for fields compare by identity.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.operation.model import Field


class Narrowed:
    """Fields with only some of their selections or types; equal narrowings give the same value."""

    def __init__(self) -> None:
        self.known: dict[tuple[Field, frozenset[str] | None, tuple[Field, ...]], Field] = {}

    def to(self, field: Field, selections: tuple[Field, ...], types: frozenset[str] | None) -> Field:
        """The field with these selections, for these types."""
        if field.selections == selections and field.types == types:
            return field
        found = self.known.get((field, types, selections))
        if found is None:
            found = self.known[(field, types, selections)] = replace(field, selections=selections, types=types)
        return found
