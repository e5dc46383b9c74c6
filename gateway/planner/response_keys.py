"""Under which key each fetched field is kept in the response tree.

In: the client's fields, then fields that the plan needs. Out: keys. A client's field keeps its response key. A field
that only the plan needs shares the key of an equal one, or takes its own name, or an internal alias when the client
uses that name for something else (the same field with other arguments, say).
"""

from __future__ import annotations

from gateway.operation.model import Field


class ResponseKeys:
    """The keys at one place of the tree, whatever the concrete type."""

    __slots__ = ("children", "used")

    def __init__(self, fields: tuple[Field, ...] = ()) -> None:
        self.used: dict[str, set[tuple[str, str]]] = {}
        self.children: dict[str, ResponseKeys] = {}
        self.claim(fields)

    def claim(self, fields: tuple[Field, ...]) -> None:
        """Give the client's fields their keys."""
        for field in fields:
            if not field.key:
                continue
            self.used.setdefault(field.key, set()).add((field.name, field.arguments))
            if field.selections:
                self.below(field.key).claim(field.selections)

    def below(self, key: str) -> ResponseKeys:
        """The keys within the value under `key`."""
        found = self.children.get(key)
        if found is None:
            found = self.children[key] = ResponseKeys()
        return found

    def key_of(self, field: Field) -> str:
        """The key of a field: the client's, or for a field that only the plan needs the one that it gets."""
        if field.key:
            return field.key
        identity = {(field.name, field.arguments)}
        if self.used.get(field.name, identity) == identity:
            key = field.name
        else:
            key = next((known for known, uses in self.used.items() if uses == identity), "")
        number = 0
        while not key:
            number += 1
            if f"{field.name}__{number}" not in self.used:
                key = f"{field.name}__{number}"
        self.used[key] = identity
        return key
