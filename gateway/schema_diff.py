"""What changed between two schemas, as clients see it. In: two supergraphs or plain schemas. Out: changes, worst first.

Breaking: an operation that was valid may be no longer, or its answer may not fit the client any more. Dangerous: it is
valid still, but a client may meet what it never met. Safe: no client can tell. Codes are graphql-core's names, and
`FIELD_DEPRECATED` and `FIELD_NO_LONGER_DEPRECATED` of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    specified_scalar_types,
)
from graphql.utilities import BreakingChange, DangerousChange, find_schema_changes

from gateway.errors import GatewayError
from gateway.supergraph.read import read_supergraph

_BUILT_IN = re.compile(rf"\b({'|'.join(specified_scalar_types)})\b")


class Severity(StrEnum):
    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"


@dataclass(frozen=True)
class Change:
    """One change: how grave it is, its stable code, and a sentence for people."""

    severity: Severity
    code: str
    message: str


class SchemaUnreadable(GatewayError):
    """A text is neither a supergraph nor a schema."""


def schema_of(text: str, name: str = "the schema") -> GraphQLSchema:
    """What clients see: of a supergraph its API, of any other schema all of it."""
    try:
        if "join__Graph" in text:
            return read_supergraph(text).api_schema
        return build_schema(text, no_location=True)
    except (GraphQLError, TypeError) as error:
        raise SchemaUnreadable(f"{name} cannot be read: {error}") from error


def changes_between(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """Every change, the breaking ones first; the same schemas always give the same list."""
    found = [
        Change(_severity(change), change.type.name, f"{change.description.rstrip('.')}.")
        for change in find_schema_changes(old, new)
        # A built-in scalar that is used no longer, or for the first time, is still there for everybody.
        if change.type.name not in ("TYPE_REMOVED", "TYPE_ADDED") or not _BUILT_IN.search(change.description)
        # The gateway brings these along, whatever a schema says of it.
        if not change.description.startswith(("Directive @defer ", "Directive @stream "))
    ]
    found += _deprecations(old, new)
    order = list(Severity)
    return sorted(found, key=lambda change: (order.index(change.severity), change.code, change.message))


def printed(changes: list[Change]) -> str:
    """A line for each change, and how many there are of each kind."""
    width = max((len(change.code) for change in changes), default=0)
    lines = [f"{change.severity:<9}  {change.code:<{width}}  {change.message}" for change in changes]
    counts = ", ".join(f"{sum(each.severity is kind for each in changes)} {kind}" for kind in Severity)
    return "\n".join([*lines, counts])


def _severity(change: object) -> Severity:
    if isinstance(change, BreakingChange):
        return Severity.BREAKING
    return Severity.DANGEROUS if isinstance(change, DangerousChange) else Severity.SAFE


def _deprecations(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for name, before in old.type_map.items():
        after = new.type_map.get(name)
        if not isinstance(before, GraphQLObjectType | GraphQLInterfaceType) or type(after) is not type(before):
            continue
        for field, was in before.fields.items():
            now = after.fields.get(field)
            if now is None or (was.deprecation_reason is None) is (now.deprecation_reason is None):
                continue
            if now.deprecation_reason is not None:
                message = f"{name}.{field} was deprecated: {now.deprecation_reason}."
                yield Change(Severity.DANGEROUS, "FIELD_DEPRECATED", message.replace("..", "."))
            else:
                yield Change(Severity.SAFE, "FIELD_NO_LONGER_DEPRECATED", f"{name}.{field} is deprecated no longer.")
