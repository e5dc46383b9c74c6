"""Under which key each fetched field is kept in the response tree.

In: the client's fields, then fields that the plan needs. Out: keys. A client's field keeps its response key. A field
that only the plan needs shares the key of an equal one, or takes its own name, or an internal alias when the client
uses that name for something else (the same field with other arguments, say), or asks there what may take the plan's
own part along when it fails.
"""

from __future__ import annotations

from gateway.operation.model import Field
from gateway.planner.collateral import takes_along
from gateway.query_graph.model import QueryGraph


class ResponseKeys:
    """The keys at one place of the tree, whatever the concrete type."""

    __slots__ = ("asked", "children", "graph", "own", "used")

    def __init__(self, graph: QueryGraph, fields: tuple[Field, ...] = ()) -> None:
        self.graph = graph
        self.used: dict[str, set[tuple[str, str]]] = {}
        self.asked: dict[str, list[Field]] = {}
        self.own: dict[tuple[str, str], str] = {}
        self.children: dict[str, ResponseKeys] = {}
        self.claim(fields)

    def claim(self, fields: tuple[Field, ...]) -> None:
        """Give the client's fields their keys."""
        for field in fields:
            if not field.key:
                continue
            self.used.setdefault(field.key, set()).add((field.name, field.arguments))
            if field.selections:
                self.asked.setdefault(field.key, []).append(field)
                self.below(field.key).claim(field.selections)

    def below(self, key: str) -> ResponseKeys:
        """The keys within the value under `key`."""
        found = self.children.get(key)
        if found is None:
            found = self.children[key] = ResponseKeys(self.graph)
        return found

    def key_of(self, field: Field) -> str:
        """The key of a field: the client's, or for a field that only the plan needs the one that it gets."""
        if field.key:
            return field.key
        identity = (field.name, field.arguments)
        # All that the plan needs of one field stands at one place, for a representation has one place for it.
        key = self.own.get(identity)
        if key is None:
            key = self.own[identity] = self._chosen(field, {identity})
            self.used[key] = {identity}
        return key

    def _chosen(self, field: Field, identity: set[tuple[str, str]]) -> str:
        if field.name not in self.used:
            return field.name
        for key in (field.name, *self.used):
            if self.used[key] == identity and not any(
                takes_along(self.graph, asked, field) for asked in self.asked.get(key, ())
            ):
                return key
        number = 1
        while f"{field.name}__{number}" in self.used:
            number += 1
        return f"{field.name}__{number}"
