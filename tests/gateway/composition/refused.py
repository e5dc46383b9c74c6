"""Small subgraphs that do not compose, one for each reason, with the code that says so and where it points to.

A subgraph's text begins with its version, `2.9` if none is given; every directive of that version is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.composition.federation_spec import elements_of
from gateway.composition.read_subgraph import SubgraphSource


@dataclass(frozen=True)
class Refused:
    """`at` is where the first problem with the code points to; None for the graph as a whole."""

    name: str
    code: str
    at: str | None
    subgraphs: Mapping[str, str]


def sources_of(subgraphs: Mapping[str, str]) -> list[SubgraphSource]:
    """The subgraphs with their links written out, on the first line so that all others keep their number."""
    return [SubgraphSource(name, f"http://{name}", linked(text)) for name, text in subgraphs.items()]


def linked(text: str) -> str:
    """The text with the link that it asks for."""
    given = re.match(r"(1|raw|2\.\d+)\|", text)
    version, rest = (given[1], text[given.end() :]) if given else ("2.9", text)
    if version == "1":
        return f"# Federation 1\n{rest}"
    if version == "raw":
        return rest
    imports = ", ".join(f'"{name}"' for name in sorted(elements_of(f"v{version}")) if name.startswith("@"))
    url = f"https://specs.apollo.dev/federation/v{version}"
    return f'extend schema @link(url: "{url}", import: [{imports}])\n{rest}'


def one(name: str, code: str, at: str | None, text: str) -> Refused:
    """A case of one subgraph, called a."""
    return Refused(name, code, at, {"a": text})


def two(name: str, code: str, at: str | None, a: str, b: str) -> Refused:
    """A case of two."""
    return Refused(name, code, at, {"a": a, "b": b})


Q = "type Query { x: Int }"
T = 'type Query { t: T }\ntype T @key(fields: "id") { id: ID! name: String }'

OWN = (
    'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.1", import: ["@composeDirective"])\n'
    '@link(url: "{url}", import: [{imported}])\n@composeDirective(name: "@{name}")\n'
    "directive @{name} on FIELD_DEFINITION\n"
)

REFUSED = [
    # A text that is no GraphQL
    one("it does not parse", "INVALID_GRAPHQL", "a:2:16", "type Query { x Int }"),
    one("a type is nowhere", "INVALID_GRAPHQL", "a:2:17", "type Query { x: Nothing }"),
    one("a directive is nowhere", "INVALID_GRAPHQL", "a:2:21", "type Query { x: Int @nothing }"),
    one(
        "an interface is not kept",
        "INVALID_GRAPHQL",
        None,
        f"{Q} interface I {{ y: Int }} type T implements I {{ z: Int }}",
    ),
    one("a default of another type", "INVALID_GRAPHQL", None, 'type Query { x(y: Int = "z"): Int }'),
    one("an enum without values goes nowhere", "INVALID_GRAPHQL", None, "type Query { x: E } enum E"),
    one("a type of introspection", "INVALID_GRAPHQL", "a:3:1", f"{Q}\ntype __Type {{ x: Int }}"),
    one("a part of a type of introspection", "INVALID_GRAPHQL", "a:3:1", f"{Q}\nextend type __Type {{ x: Int }}"),
    one("a String that is an object", "INVALID_GRAPHQL", "a:3:1", f"{Q}\ntype String {{ x: Int }}"),
    one("an operation among types", "INVALID_GRAPHQL", "a:3:1", f"{Q}\nquery {{ x }}"),
    one("a fragment among types", "INVALID_GRAPHQL", "a:3:1", f"{Q}\nfragment F on Query {{ x }}"),
    # Links
    one(
        "a version of the future",
        "UNKNOWN_FEDERATION_LINK_VERSION",
        "a:1:15",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.99", import: ["@key"])\ntype Query '
        "{ x: Int }",
    ),
    one(
        "connectors",
        "UNSUPPORTED_LINKED_FEATURE",
        "a:2:1",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key"])\n'
        '@link(url: "https://specs.apollo.dev/connect/v0.2", import: ["@connect"])\n'
        'type Query { x: Int @connect(http: {GET: "http://x"}, selection: "x") }',
    ),
    one(
        "a directive before its time",
        "INVALID_LINK_DIRECTIVE_USAGE",
        "a:1:15",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@cacheTag"])\ntype Query '
        '{ x: Int @cacheTag(format: "x") }',
    ),
    one(
        "an import that is nowhere",
        "INVALID_LINK_DIRECTIVE_USAGE",
        "a:1:15",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@kee"])\ntype Query '
        "{ x: Int }",
    ),
    one(
        "one specification twice",
        "INVALID_LINK_DIRECTIVE_USAGE",
        None,
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])\n'
        '@link(url: "https://specs.apollo.dev/federation/v2.1", import: ["@key"])\ntype Query { x: Int }',
    ),
    one(
        "no version",
        "INVALID_LINK_IDENTIFIER",
        "a:1:15",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation", import: ["@key"])\ntype Query { x: Int }',
    ),
    one("its own meaning of @key", "DIRECTIVE_DEFINITION_INVALID", None, f"directive @key(x: Int) on OBJECT {Q}"),
    # Keys
    one(
        "a key of no field", "KEY_INVALID_FIELDS", "a:2:28", 'type Query { t: T } type T @key(fields: "no") { id: ID! }'
    ),
    one(
        "a key that does not parse",
        "KEY_INVALID_FIELDS",
        None,
        'type Query { t: T } type T @key(fields: "id {") { id: ID! }',
    ),
    one(
        "a key that is no text",
        "KEY_INVALID_FIELDS_TYPE",
        None,
        'type Query { t: T } type T @key(fields: ["id"]) { id: ID! }',
    ),
    one(
        "a key with arguments",
        "KEY_FIELDS_HAS_ARGS",
        None,
        'type Query { t: T } type T @key(fields: "f") { f(x: Int): ID! }',
    ),
    one(
        "a key of an interface's object",
        "KEY_FIELDS_SELECT_INVALID_TYPE",
        None,
        'type Query { t: T } interface I { y: Int } type J implements I { y: Int } type T @key(fields: "i { y }") '
        "{ i: I }",
    ),
    one(
        "a key with a directive in it",
        "KEY_DIRECTIVE_IN_FIELDS_ARG",
        None,
        'directive @d on FIELD type Query { t: T } type T @key(fields: "id @d") { id: ID! }',
    ),
    one(
        "a key on an interface, too early",
        "KEY_UNSUPPORTED_ON_INTERFACE",
        None,
        '2.2|type Query { t: T } interface I @key(fields: "id") { id: ID! } type T implements I @key(fields: '
        '"id") { id: ID! }',
    ),
    one(
        "an interface's key that an implementation lacks",
        "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
        None,
        'type Query { t: T } interface I @key(fields: "id") { id: ID! } type T implements I { id: ID! }',
    ),
    two(
        "an interface's key where an implementation is unknown",
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
        "a:2:21",
        'type Query { i: I } interface I @key(fields: "id") { id: ID! }',
        'interface I { id: ID! } type T implements I @key(fields: "id") { id: ID! }',
    ),
    # Requires
    one(
        "a @requires of no field",
        "REQUIRES_INVALID_FIELDS",
        None,
        f'{T} extend type T {{ y: Int @requires(fields: "no") }}',
    ),
    one(
        "a @requires that is no text",
        "REQUIRES_INVALID_FIELDS_TYPE",
        None,
        f"{T} extend type T {{ y: Int @requires(fields: 1) }}",
    ),
    one(
        "a @requires of what is there",
        "REQUIRES_FIELDS_MISSING_EXTERNAL",
        None,
        f'{T} extend type T {{ y: Int @requires(fields: "name") }}',
    ),
    one(
        "a @requires with a directive in it",
        "REQUIRES_DIRECTIVE_IN_FIELDS_ARG",
        None,
        'directive @d on FIELD type Query { t: T } type T @key(fields: "id") '
        '{ id: ID! n: Int @external y: Int @requires(fields: "n @d") }',
    ),
    one(
        "a @requires on an interface",
        "REQUIRES_UNSUPPORTED_ON_INTERFACE",
        None,
        'type Query { t: T } interface I { id: ID! n: Int @requires(fields: "id") } type T implements I '
        "{ id: ID! n: Int }",
    ),
    # Provides
    one("a @provides on a leaf", "PROVIDES_ON_NON_OBJECT_FIELD", None, 'type Query { x: Int @provides(fields: "y") }'),
    one(
        "a @provides of no field",
        "PROVIDES_INVALID_FIELDS",
        None,
        f'{T} extend type Query {{ u: T @provides(fields: "no") }}',
    ),
    one(
        "a @provides that is no text",
        "PROVIDES_INVALID_FIELDS_TYPE",
        None,
        f"{T} extend type Query {{ u: T @provides(fields: 1) }}",
    ),
    one(
        "a @provides of what is there",
        "PROVIDES_FIELDS_MISSING_EXTERNAL",
        None,
        f'{T} extend type Query {{ u: T @provides(fields: "name") }}',
    ),
    one(
        "a @provides with arguments",
        "PROVIDES_FIELDS_HAS_ARGS",
        None,
        'type Query { u: T @provides(fields: "n") } type T @key(fields: "id") { id: ID! n(x: Int): Int @external }',
    ),
    one(
        "a @provides with a directive in it",
        "PROVIDES_DIRECTIVE_IN_FIELDS_ARG",
        None,
        'directive @d on FIELD type Query { u: T @provides(fields: "n @d") } '
        'type T @key(fields: "id") { id: ID! n: Int @external }',
    ),
    one(
        "a @provides on an interface",
        "PROVIDES_UNSUPPORTED_ON_INTERFACE",
        None,
        'type Query { i: I t: T @provides(fields: "n") } interface I { t: T @provides(fields: "n") } '
        'type J implements I { t: T } type T @key(fields: "id") { id: ID! n: Int @external }',
    ),
    # External
    one("an external that nothing uses", "EXTERNAL_UNUSED", None, f"{T} extend type T {{ y: Int @external }}"),
    two(
        "nobody resolves it",
        "EXTERNAL_MISSING_ON_BASE",
        None,
        T,
        'type T @key(fields: "id") { id: ID! n: Int @external y: Int @requires(fields: "n") }',
    ),
    two(
        "an external of another type",
        "EXTERNAL_TYPE_MISMATCH",
        None,
        T,
        'type T @key(fields: "id") { id: ID! name: Int @external y: Int @requires(fields: "name") }',
    ),
    two(
        "an external without an argument",
        "EXTERNAL_ARGUMENT_MISSING",
        None,
        'type Query { t: T } type T @key(fields: "id") { id: ID! n(x: Int): Int }',
        'type T @key(fields: "id") { id: ID! n: Int @external y: Int @requires(fields: "n") }',
    ),
    one(
        "a tag on an external",
        "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
        None,
        f'{T} extend type T {{ n: Int @external @tag(name: "x") y: Int @requires(fields: "n") }}',
    ),
    two("an extension of nothing", "EXTENSION_WITH_NO_BASE", None, Q, 'extend type T @key(fields: "id") { id: ID! }'),
    # Override
    one("an override of itself", "OVERRIDE_FROM_SELF_ERROR", "a:2:21", 'type Query { x: Int @override(from: "a") }'),
    two(
        "an override of an override",
        "OVERRIDE_SOURCE_HAS_OVERRIDE",
        None,
        'type Query { x: Int @override(from: "b") }',
        'type Query { x: Int @override(from: "a") }',
    ),
    one(
        "an override of what is external",
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        None,
        f'{T} extend type T {{ n: Int @external @override(from: "b") y: Int @requires(fields: "n") }}',
    ),
    two(
        "an override by label of what requires",
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        None,
        'type Query { t: T } type T @key(fields: "id") '
        '{ id: ID! n: Int y: Int @override(from: "b", label: "percent(5)") }',
        'type T @key(fields: "id") { id: ID! n: Int @external y: Int @requires(fields: "n") }',
    ),
    one(
        "a label that is none",
        "OVERRIDE_LABEL_INVALID",
        None,
        'type Query { x: Int @override(from: "b", label: "percent(101)") }',
    ),
    one(
        "an override on an interface",
        "OVERRIDE_ON_INTERFACE",
        None,
        'type Query { t: T } interface I { n: Int @override(from: "b") } type T implements I { n: Int }',
    ),
    # Sharing
    two("nobody agreed to share", "INVALID_FIELD_SHARING", None, "type Query { x: Int }", "type Query { x: Int }"),
    two(
        "only one agreed to share",
        "INVALID_FIELD_SHARING",
        None,
        "type Query { x: Int @shareable }",
        "type Query { x: Int }",
    ),
    two(
        "a subscription cannot be shared",
        "INVALID_FIELD_SHARING",
        None,
        f"{Q} type Subscription {{ s: Int @shareable }}",
        "type Subscription { s: Int @shareable }",
    ),
    two(
        "what another one provides is not shared",
        "INVALID_FIELD_SHARING",
        "a:2:60",
        'type Query { t: T } type T @key(fields: "id") { id: ID!    n: Int }',
        'type Query { u: T @provides(fields: "n") } type T @key(fields: "id") { id: ID! n: Int @external }',
    ),
    two(
        "who provides its own field does not share it by that",
        "INVALID_FIELD_SHARING",
        "a:3:10",
        'type Query { t: T @provides(fields: "p { n }") } type T @key(fields: "id") { id: ID! p: P @external }\n'
        "type P { n: Int }",
        'type T @key(fields: "id") { id: ID! p: P @shareable } type P { n: Int @shareable }',
    ),
    one(
        "an interface shares nothing",
        "INVALID_SHAREABLE_USAGE",
        None,
        f"{Q} interface I {{ y: Int @shareable }} type T implements I {{ y: Int }}",
    ),
    # Types that differ
    two(
        "of two kinds",
        "TYPE_KIND_MISMATCH",
        None,
        f"{Q} type T {{ y: Int }}",
        "interface T { y: Int } type U implements T { y: Int }",
    ),
    two(
        "of two types",
        "FIELD_TYPE_MISMATCH",
        None,
        "type Query { x: Int @shareable }",
        "type Query { x: String @shareable }",
    ),
    two(
        "arguments of two types",
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        None,
        "type Query { x(y: Int): Int @shareable }",
        "type Query { x(y: String): Int @shareable }",
    ),
    two(
        "arguments of two defaults",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        None,
        "type Query { x(y: Int = 1): Int @shareable }",
        "type Query { x(y: Int = 2): Int @shareable }",
    ),
    two(
        "a required argument that one lacks",
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        None,
        "type Query { x(y: Int!): Int @shareable }",
        "type Query { x: Int @shareable }",
    ),
    two(
        "a required input field that one lacks",
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
        None,
        "type Query { x(i: I): Int @shareable } input I { a: Int! b: Int }",
        "type Query { x(i: I): Int @shareable } input I { b: Int }",
    ),
    two(
        "input fields of two defaults",
        "INPUT_FIELD_DEFAULT_MISMATCH",
        None,
        "type Query { x(i: I): Int @shareable } input I { b: Int = 1 }",
        "type Query { x(i: I): Int @shareable } input I { b: Int = 2 }",
    ),
    two(
        "an input without common fields",
        "EMPTY_MERGED_INPUT_TYPE",
        None,
        "type Query { x(i: I): Int @shareable } input I { a: Int }",
        "type Query { x(i: I): Int @shareable } input I { b: Int }",
    ),
    two(
        "an input enum without common values",
        "EMPTY_MERGED_ENUM_TYPE",
        None,
        "type Query { x(e: E): Int @shareable } enum E { A }",
        "type Query { x(e: E): Int @shareable } enum E { B }",
    ),
    two(
        "an enum that goes both ways",
        "ENUM_VALUE_MISMATCH",
        None,
        "type Query { x(e: E): E @shareable } enum E { A B }",
        "type Query { x(e: E): E @shareable } enum E { A }",
    ),
    two(
        "a directive's arguments of two types",
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "a:2:14",
        f"directive @d(e: Int) on FIELD {Q}",
        "directive @d(e: String) on FIELD type Query { y: Int }",
    ),
    two(
        "a directive's arguments of two defaults",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "a:2:14",
        f"directive @d(e: Int = 1) on FIELD {Q}",
        "directive @d(e: Int = 2) on FIELD type Query { y: Int }",
    ),
    two(
        "a directive's default that not every subgraph takes",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "a:2:14",
        f"directive @d(e: E = A) on FIELD enum E {{ A B }} {Q}",
        "directive @d(e: E) on FIELD enum E { B } type Query { y: Int }",
    ),
    two(
        "a directive's required argument that one lacks",
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        "b:2:1",
        f"directive @d(e: Int!) on FIELD {Q}",
        "directive @d on FIELD type Query { y: Int }",
    ),
    # Interfaces
    two(
        "an interface's field that an implementation lacks",
        "INTERFACE_FIELD_NO_IMPLEM",
        None,
        "type Query { i: I } interface I { y: Int z: Int } type T implements I { y: Int @shareable z: Int }",
        "interface I { y: Int } type U implements I { y: Int }",
    ),
    two(
        "everybody's interface object",
        "INTERFACE_OBJECT_USAGE_ERROR",
        None,
        'type Query { t: T } type T @interfaceObject @key(fields: "id") { id: ID! }',
        'type T @interfaceObject @key(fields: "id") { id: ID! n: Int }',
    ),
    one(
        "an interface object without a key",
        "INTERFACE_OBJECT_USAGE_ERROR",
        None,
        "type Query { t: T } type T @interfaceObject { id: ID! }",
    ),
    # Roots
    one("no query", "NO_QUERIES", None, 'type T @key(fields: "id") { id: ID! }'),
    one(
        "a Query that is not the root",
        "ROOT_QUERY_USED",
        "a:2:46",
        "extend schema { query: Q } type Q { x: Int } type Query { y: Int }",
    ),
    one("a hidden Query", "QUERY_ROOT_TYPE_INACCESSIBLE", None, "type Query @inaccessible { x: Int }"),
    # What clients do not see
    one(
        "a visible field of a hidden type",
        "REFERENCED_INACCESSIBLE",
        None,
        "type Query { t: T y: Int } type T @inaccessible { x: Int }",
    ),
    one(
        "a type of hidden fields",
        "ONLY_INACCESSIBLE_CHILDREN",
        None,
        "type Query { t: T y: Int } type T { x: Int @inaccessible }",
    ),
    one(
        "a union of hidden types",
        "ONLY_INACCESSIBLE_CHILDREN",
        "a:2:28",
        "type Query { u: U y: Int } union U = T type T @inaccessible { x: Int }",
    ),
    one(
        "a hidden argument that is required",
        "REQUIRED_INACCESSIBLE",
        None,
        "type Query { x(y: Int! @inaccessible): Int }",
    ),
    one(
        "a default that is hidden",
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        "a:2:16",
        "type Query { x(e: E = A): Int } enum E { A @inaccessible B }",
    ),
    one(
        "a hidden field of a visible interface",
        "IMPLEMENTED_BY_INACCESSIBLE",
        None,
        "type Query { t: I } interface I { x: Int y: Int } type T implements I { x: Int @inaccessible y: Int }",
    ),
    one(
        "a default with a hidden value in it",
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        "a:2:16",
        "type Query { x(i: [I] = {e: A}): Int } input I { e: E f: Int } enum E { A @inaccessible B }",
    ),
    one(
        "a default with a hidden field in it",
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        "a:2:40",
        "type Query { x(j: J): Int }  input J { i: I = {e: 1} } input I { e: Int @inaccessible f: Int }",
    ),
    two(
        "a default that not every subgraph takes",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "a:2:16",
        "type Query { x(e: E = A): Int @shareable } enum E { A B }",
        "type Query { x(e: E): Int @shareable } enum E { B }",
    ),
    two(
        "a default that may no longer be null",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "a:2:16",
        "type Query { x(y: Int = null): Int @shareable }",
        "type Query { x(y: Int!): Int @shareable }",
    ),
    two(
        "a default of an input field that not every subgraph has",
        "INPUT_FIELD_DEFAULT_MISMATCH",
        "a:2:39",
        "type Query { x(j: J): Int } input J { i: I = {a: 1} } input I { a: Int b: Int }",
        "type Query { y(i: I): Int } input I { b: Int }",
    ),
    two(
        "a default that lacks what is required elsewhere",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "a:2:16",
        "type Query { x(i: I = {}): Int @shareable } input I { a: Int }",
        "type Query { x(i: I): Int @shareable } input I { a: Int! }",
    ),
    two(
        "an interface's argument that its implementation loses",
        "INTERFACE_FIELD_NO_IMPLEM",
        "a:2:37",
        "type Query { i: I } interface I { f(x: Int): Int } type T implements I { f(x: Int): Int @shareable }",
        "type Query { t: T } type T { f: Int @shareable }",
    ),
    two(
        "an argument that only the implementation requires",
        "INTERFACE_FIELD_NO_IMPLEM",
        "a:2:83",
        "type Query { i: I } interface I { f(x: Int): Int } type T implements I { f(x: Int y: Int): Int @shareable }",
        "type Query { t: T } type T { f(x: Int y: Int!): Int @shareable }",
    ),
    two(
        "an interface's argument that is narrower where it is implemented",
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "a:2:37",
        "type Query { i: I } interface I { f(x: Int): Int } type T implements I { f(x: Int): Int @shareable }",
        "type Query { t: T } type T { f(x: Int!): Int @shareable }",
    ),
    one(
        "an interface's argument that is hidden where it is implemented",
        "IMPLEMENTED_BY_INACCESSIBLE",
        "a:2:37",
        "type Query { i: I } interface I { f(x: Int): Int } type T implements I { f(x: Int @inaccessible): Int }",
    ),
    one(
        "a hidden argument that implementations require",
        "REQUIRED_INACCESSIBLE",
        "a:2:37",
        "type Query { i: I } interface I { f(x: Int! = 1 @inaccessible): Int } type T implements I { f(x: Int!): Int }",
    ),
    two(
        "an interface of an interface that its implementation does not know",
        "INVALID_GRAPHQL",
        "a:2:44",
        "type Query { i: I } interface I { f: Int } type T implements I { f: Int }",
        "type Query { j: J } interface J { f: Int } interface I implements J { f: Int } "
        "type V implements I & J { f: Int }",
    ),
    two(
        "an input that needs itself",
        "INVALID_GRAPHQL",
        "a:2:50",
        "type Query { x(a: A): Int @shareable } input A { b: B! } input B { a: A }",
        "type Query { x(a: A): Int @shareable } input A { b: B } input B { a: A! }",
    ),
    # Demands, costs, contexts, directives of one's own
    one(
        "a demand on an interface",
        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
        None,
        f"{Q} interface I @authenticated {{ y: Int }} type T implements I {{ y: Int }}",
    ),
    two(
        "made of what one may not see",
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
        "b:2:54",
        'type Query { t: T } type T @key(fields: "id") { id: ID! n: Int @authenticated }',
        'type T @key(fields: "id") { id: ID! n: Int @external y: Int @requires(fields: "n") }',
    ),
    one(
        "a cost on an interface",
        "COST_APPLIED_TO_INTERFACE_FIELD",
        None,
        f"{Q} interface I {{ y: Int @cost(weight: 2) }} type T implements I {{ y: Int }}",
    ),
    one(
        "a list of negative size",
        "LIST_SIZE_INVALID_ASSUMED_SIZE",
        None,
        "type Query { x: [Int] @listSize(assumedSize: -1) }",
    ),
    one("a size of no list", "LIST_SIZE_INVALID_SIZED_FIELD", None, "type Query { x: Int @listSize(assumedSize: 1) }"),
    one(
        "sized below by no list",
        "LIST_SIZE_APPLIED_TO_NON_LIST",
        None,
        'type Query { t: T @listSize(sizedFields: ["x"]) } type T { x: Int }',
    ),
    one(
        "sliced by no number",
        "LIST_SIZE_INVALID_SLICING_ARGUMENT",
        None,
        'type Query { x(y: String): [Int] @listSize(slicingArguments: ["y"]) }',
    ),
    two(
        "two names for one directive",
        "LINK_IMPORT_NAME_MISMATCH",
        "a:1:15",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: '
        '[{name: "@cost", as: "@weight"}])\n'
        "type Query { x: Int @weight(weight: 2) }",
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@cost"])\n'
        "type Query { y: Int @cost(weight: 2) }",
    ),
    one(
        "a context that nobody sets",
        "CONTEXT_NOT_SET",
        None,
        'type Query { t: T } type T @key(fields: "id") { id: ID! y(z: Int @fromContext(field: "$c { n }")): Int }',
    ),
    one(
        "a context that is not named",
        "NO_CONTEXT_IN_SELECTION",
        None,
        'type Query { t: T } type T @key(fields: "id") { id: ID! y(z: Int @fromContext(field: "{ n }")): Int }',
    ),
    one(
        "a context of another type",
        "CONTEXT_INVALID_SELECTION",
        None,
        'type Query { u: U } type U @key(fields: "id") @context(name: "c") { id: ID! n: String t: T }\n'
        'type T @key(fields: "id") { id: ID! y(z: Int @fromContext(field: "$c { n }")): Int }',
    ),
    one(
        "a context for what has no key",
        "CONTEXT_NO_RESOLVABLE_KEY",
        None,
        'type Query { u: U } type U @key(fields: "id") @context(name: "c") { id: ID! n: Int t: T }\n'
        'type T { y(z: Int @fromContext(field: "$c { n }")): Int }',
    ),
    one("a context with a bad name", "CONTEXT_NAME_INVALID", None, 'type Query @context(name: "a_b") { x: Int }'),
    two(
        "from a context here, from the client there",
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
        None,
        'type Query { u: U } type U @key(fields: "id") @context(name: "c") { id: ID! n: Int t: T }\n'
        'type T @key(fields: "id") { id: ID! y(z: Int @fromContext(field: "$c { n }")): Int @shareable }',
        'type T @key(fields: "id") { id: ID! y(z: Int!): Int @shareable }',
    ),
    one(
        "a composed directive that is nowhere",
        "DIRECTIVE_COMPOSITION_ERROR",
        None,
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.1", import: ["@composeDirective"])\n'
        '@composeDirective(name: "@own")\ntype Query { x: Int }',
    ),
    one(
        "a composed directive of no specification",
        "DIRECTIVE_COMPOSITION_ERROR",
        None,
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.1", import: ["@composeDirective"])\n'
        '@composeDirective(name: "@own")\ndirective @own on FIELD_DEFINITION\ntype Query { x: Int @own }',
    ),
    two(
        "one directive of two specifications",
        "DIRECTIVE_COMPOSITION_ERROR",
        "a:3:1",
        OWN.format(url="https://example.com/own/v1.0", imported='"@own"', name="own") + Q,
        OWN.format(url="https://example.com/other/v1.0", imported='"@own"', name="own") + "type Query { y: Int }",
    ),
    two(
        "one directive under two names",
        "DIRECTIVE_COMPOSITION_ERROR",
        "a:3:1",
        OWN.format(url="https://example.com/own/v1.0", imported='"@own"', name="own") + Q,
        OWN.format(url="https://example.com/own/v1.0", imported='{name: "@own", as: "@my"}', name="my")
        + "type Query { y: Int }",
    ),
    two(
        "one specification in two major versions",
        "DIRECTIVE_COMPOSITION_ERROR",
        "a:2:1",
        OWN.format(url="https://example.com/own/v1.0", imported='"@own"', name="own") + Q,
        OWN.format(url="https://example.com/own/v2.0", imported='"@own"', name="own") + "type Query { y: Int }",
    ),
    # Values of directives' arguments, and field sets
    one("a scope that is no text", "INVALID_GRAPHQL", None, "type Query { x: Int @requiresScopes(scopes: [[1]]) }"),
    one("a scope that is nothing", "INVALID_GRAPHQL", None, "type Query { x: Int @requiresScopes(scopes: [[null]]) }"),
    one("a weight that is no number", "INVALID_GRAPHQL", "a:2:27", 'type Query { x: Int @cost(weight: "x") }'),
    one("a tag that is no text", "INVALID_GRAPHQL", None, "type Query { x: Int @tag(name: 3) }"),
    one("an override from a number", "INVALID_GRAPHQL", None, "type Query { x: Int @override(from: 3) }"),
    one("an empty text", "INVALID_GRAPHQL", "a", "raw|# nothing here\n"),
    one("an empty key", "KEY_INVALID_FIELDS", None, 'type Query { t: T } type T @key(fields: "") { id: ID! }'),
    one(
        "two sets in one",
        "KEY_INVALID_FIELDS",
        None,
        'type Query { t: T } type T @key(fields: "id } { id") { id: ID! }',
    ),
    one(
        "a key with an alias",
        "KEY_INVALID_FIELDS",
        None,
        'type Query { t: T } type T @key(fields: "x: id") { id: ID! }',
    ),
    one(
        "a key under a condition",
        "KEY_INVALID_FIELDS",
        None,
        'type Query { t: T } type T @key(fields: "id @include(if: true)") { id: ID! }',
    ),
    two(
        "a @requires without a required argument",
        "REQUIRES_INVALID_FIELDS",
        None,
        'type Query { t: T } type T @key(fields: "id") { id: ID! p(u: Int!): Int }',
        'type T @key(fields: "id") { id: ID! p(u: Int!): Int @external s: Int @requires(fields: "p") }',
    ),
    two(
        "a @requires with a variable",
        "REQUIRES_INVALID_FIELDS",
        None,
        'type Query { t: T } type T @key(fields: "id") { id: ID! p(u: Int!): Int }',
        'type T @key(fields: "id") { id: ID! p(u: Int!): Int @external s: Int @requires(fields: "p(u: $u)") }',
    ),
    Refused(
        "the taker of a shared field does not share",
        "INVALID_FIELD_SHARING",
        None,
        {
            "a": "type Query { x: Int @shareable }",
            "b": 'type Query { x: Int @override(from: "a") }',
            "c": "type Query { x: Int @shareable }",
        },
    ),
    one(
        "a composed directive called like one of Federation's",
        "DIRECTIVE_COMPOSITION_ERROR",
        None,
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.1", import: ["@composeDirective"])\n'
        '@link(url: "https://example.com/own/v1.0", import: ["@cost"]) @composeDirective(name: "@cost")\n'
        "directive @cost(x: Int) on FIELD_DEFINITION\ntype Query { x: Int @cost(x: 1) }",
    ),
    # What cannot be reached
    two(
        "no way to a field",
        "SATISFIABILITY_ERROR",
        "b:2:56",
        'type Query { t: T } type T @key(fields: "id") { id: ID! }',
        'type T @key(fields: "id", resolvable: false) { id: ID! n: Int }',
    ),
    Refused(
        "no way into an interface object",
        "SATISFIABILITY_ERROR",
        "b:2:73",
        {
            "a": 'type Query { all: [M] } interface M @key(fields: "id") { id: ID! } '
            'type C implements M @key(fields: "id") { id: ID! }',
            "b": 'type M @interfaceObject @key(fields: "id", resolvable: false) { id: ID! n: Int } type Query { m: M }',
            "c": 'type M @interfaceObject @key(fields: "id") { id: ID! o: Int }',
        },
    ),
    one(
        "a context that only the object itself sets",
        "SATISFIABILITY_ERROR",
        "a:2:84",
        'type Query { t: T } type T @key(fields: "id") @context(name: "c") '
        '{ id: ID! n: Int y(z: Int @fromContext(field: "$c { n }")): Int }',
    ),
    two(
        "a context whose value cannot be fetched where it is set",
        "SATISFIABILITY_ERROR",
        None,
        'type Query { u: U } type U @key(fields: "id") @context(name: "c") { id: ID! n: Int @external t: T }\n'
        'type T @key(fields: "id") { id: ID! y(z: Int @fromContext(field: "$c { n }")): Int }',
        'type Query { v: U } type U @key(fields: "code") { code: ID! n: Int }',
    ),
    one(
        "a context that is not set on one of the ways",
        "SATISFIABILITY_ERROR",
        None,
        'type Query { u: U t: T } type U @key(fields: "id") @context(name: "c") { id: ID! n: Int t: T }\n'
        'type T @key(fields: "id") { id: ID! y(z: Int @fromContext(field: "$c { n }")): Int }',
    ),
    Refused(
        "no way to what is required",
        "SATISFIABILITY_ERROR",
        None,
        {
            "a": 'type Query { t: T } type T @key(fields: "id") { id: ID! }',
            "b": 'type T @key(fields: "id") { id: ID! m: Int @external y: Int @requires(fields: "m") }',
            "c": 'type Query { u: T } type T @key(fields: "other") { other: ID! m: Int }',
        },
    ),
]
