"""The directives of Federation, by version: https://www.apollographql.com/docs/graphos/reference/federation/directives

In: a version. Out: what it knows, as definitions. Federation 1 has no @link, and is called v1.0 here.
"""

from __future__ import annotations

from functools import lru_cache

from graphql import DirectiveDefinitionNode, ScalarTypeDefinitionNode, parse

FEDERATION = "https://specs.apollo.dev/federation"
FEDERATION_1 = "v1.0"
LATEST = "v2.15"
"""v2.10, 11 and 13 to 15 bring no directive of their own."""

_ANYWHERE = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE"
    " | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
)
_AUTH = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_COSTED = "ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR"

_DEFINITIONS: dict[str, tuple[tuple[int, int], str]] = {
    "key": (
        (1, 0),
        "directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE",
    ),
    "requires": ((1, 0), "directive @requires(fields: FieldSet!) on FIELD_DEFINITION"),
    "provides": ((1, 0), "directive @provides(fields: FieldSet!) on FIELD_DEFINITION"),
    "external": ((1, 0), "directive @external(reason: String) on OBJECT | FIELD_DEFINITION"),
    "extends": ((1, 0), "directive @extends on OBJECT | INTERFACE"),
    "override": ((1, 0), "directive @override(from: String!) on FIELD_DEFINITION"),
    "tag": ((1, 0), f"directive @tag(name: String!) repeatable on {_ANYWHERE} | SCHEMA"),
    "inaccessible": ((1, 0), f"directive @inaccessible on {_ANYWHERE}"),
    "shareable": ((2, 0), "directive @shareable repeatable on FIELD_DEFINITION | OBJECT"),
    "composeDirective": ((2, 1), "directive @composeDirective(name: String!) repeatable on SCHEMA"),
    "interfaceObject": ((2, 3), "directive @interfaceObject on OBJECT"),
    "authenticated": ((2, 5), f"directive @authenticated on {_AUTH}"),
    "requiresScopes": ((2, 5), f"directive @requiresScopes(scopes: [[Scope!]!]!) on {_AUTH}"),
    "policy": ((2, 6), f"directive @policy(policies: [[Policy!]!]!) on {_AUTH}"),
    "context": ((2, 8), "directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION"),
    "fromContext": ((2, 8), "directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION"),
    "cost": ((2, 8), f"directive @cost(weight: Int!) on {_COSTED}"),
    "listSize": (
        (2, 8),
        "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],"
        " requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
    ),
    "cacheTag": ((2, 12), "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"),
}
_LABELLED_OVERRIDE = "directive @override(from: String!, label: String) on FIELD_DEFINITION"
_SCALARS = {"FieldSet": (1, 0), "Scope": (2, 5), "Policy": (2, 6), "ContextFieldValue": (2, 8)}
NOT_CARRIED = frozenset(("cacheTag",))
"""Directives that may be applied, and that the supergraph has nothing of."""


def number_of(version: str) -> tuple[int, int]:
    """`v2.3` as (2, 3)."""
    major, _, minor = version.removeprefix("v").partition(".")
    return int(major), int(minor)


def is_known_version(version: str) -> bool:
    """Whether composition knows this version of Federation 2."""
    major, minor = number_of(version)
    return major == 2 and minor <= number_of(LATEST)[1]


@lru_cache(maxsize=32)
def elements_of(version: str) -> frozenset[str]:
    """What can be imported: directives with their @, and scalars."""
    at = number_of(version)
    directives = {f"@{name}" for name, (since, _) in _DEFINITIONS.items() if since <= at}
    return frozenset(directives | {name for name, since in _SCALARS.items() if since <= at})


@lru_cache(maxsize=32)
def directives_of(version: str) -> dict[str, DirectiveDefinitionNode]:
    """Each directive's definition, by name."""
    at = number_of(version)
    texts = [text for name, (since, text) in _DEFINITIONS.items() if since <= at]
    if at >= (2, 7):
        texts = [_LABELLED_OVERRIDE if "@override" in text else text for text in texts]
    if at < (2, 2):
        texts = [text.replace("@shareable repeatable", "@shareable") for text in texts]
    nodes = parse("\n".join(texts), no_location=True).definitions
    return {node.name.value: node for node in nodes if isinstance(node, DirectiveDefinitionNode)}


@lru_cache(maxsize=32)
def scalars_of(version: str) -> dict[str, ScalarTypeDefinitionNode]:
    """Each scalar's definition, by name."""
    at = number_of(version)
    text = "\n".join(f"scalar {name}" for name, since in _SCALARS.items() if since <= at)
    nodes = parse(text, no_location=True).definitions
    return {node.name.value: node for node in nodes if isinstance(node, ScalarTypeDefinitionNode)}
