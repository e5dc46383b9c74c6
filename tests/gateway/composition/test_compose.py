"""Subgraphs that compose: the supergraph means what another composition of the same subgraphs means."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from graphql import print_schema, print_type
from graphql.utilities.print_schema import print_directive

from gateway.composition.compose import compose, graph_names, merged_of
from gateway.composition.printing import printed_schema
from gateway.composition.problems import CompositionFailed, Report
from gateway.composition.read_subgraph import SubgraphSource
from gateway.composition.write import supergraph_document
from gateway.supergraph.model import Supergraph
from gateway.supergraph.read import read_supergraph, supergraph_of
from infra.compose.supergraph_file import SUPERGRAPH, current_sdls
from subgraphs.catalogue import url_of
from tests.composition_peer.paths import unplanned
from tests.federation.harness.suite import SUITES
from tests.gateway.composition.meaning import differences, meaning_of
from tests.gateway.composition.refused import sources_of

ACCEPTED = Path(__file__).parent / "accepted"
PUBLISHED = Path(__file__).parents[4] / "shared" / "federation"


FOLDERS = sorted(path for root in (ACCEPTED, SUITES) for path in root.iterdir())


def sources_in(folder: Path) -> list[SubgraphSource]:
    files = sorted((folder / "subgraphs").glob("*.graphql"))
    return [SubgraphSource(file.stem, "", file.read_text()) for file in files]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_supergraph_means_what_it_means_elsewhere(folder: Path) -> None:
    """Each folder's supergraph was composed by `@theguild/federation-composition` 0.27.0."""
    composed = compose(sources_in(folder))
    assert not differences(meaning_of(composed.supergraph), meaning_of((folder / "supergraph.graphql").read_text()))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published cases are not here")
def test_published_graphs_mean_what_they_mean_there() -> None:
    found = {}
    for folder in sorted(path for path in PUBLISHED.iterdir() if path.is_dir()):
        given = json.loads((folder / "subgraphs.json").read_text())
        composed = compose([SubgraphSource(each["name"], each["url"], each["sdl"]) for each in given])
        theirs = meaning_of((folder / "supergraph.graphql").read_text())
        found[folder.name] = differences(meaning_of(composed.supergraph), theirs)
    assert len(found) > 20
    assert not {name: differing for name, differing in found.items() if differing}


def test_the_committed_supergraph_is_what_our_subgraphs_compose_to() -> None:
    sources = [SubgraphSource(name, url_of(name), sdl) for name, sdl in current_sdls().items()]
    assert not differences(meaning_of(compose(sources).supergraph), meaning_of(SUPERGRAPH.read_text()))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_written_is_what_was_checked(folder: Path) -> None:
    """Reachability is asked of the document before it is printed; the gateway reads the text."""
    document = supergraph_document(merged_of(sources_in(folder), None, Report()))
    checked, read = supergraph_of(document), read_supergraph(printed_schema(document))
    for part in fields(Supergraph):
        if part.name != "api_schema":
            assert getattr(checked, part.name) == getattr(read, part.name)
    assert print_schema(checked.api_schema) == print_schema(read.api_schema)


def test_garbage_is_collected_again_after_a_composition_and_after_one_that_failed() -> None:
    for text in ("type Query { x: Int }", "type Query {"):
        with suppress(CompositionFailed):
            composed_text(text)
        assert gc.isenabled()


def test_the_order_of_subgraphs_changes_nothing() -> None:
    sources = sources_in(ACCEPTED / "interface-objects")
    assert compose(sources).supergraph == compose(sources[::-1]).supergraph


def composed_text(*texts: str) -> str:
    return compose(sources_of({"abcdef"[at]: text for at, text in enumerate(texts)})).supergraph


def test_a_list_of_what_goes_in_is_narrowed() -> None:
    text = composed_text(
        "type Query { x(l: [Int]): Int @shareable }",
        "type Query { x(l: [Int!]): Int @shareable }",
    )
    assert "x(l: [Int!]): Int" in text


def test_a_union_holds_for_a_field_that_is_one_member_elsewhere() -> None:
    text = composed_text(
        "type Query { pet: Pet @shareable } union Pet = Cat | Dog type Cat { a: Int @shareable } type Dog { a: Int }",
        "type Query { pet: Cat @shareable } type Cat { a: Int @shareable }",
    )
    assert 'pet: Pet @join__field(graph: A) @join__field(graph: B, type: "Cat")' in text


@pytest.mark.parametrize("version", ["2.10", "2.11", "2.12", "2.13", "2.14", "2.15"])
def test_the_newer_versions_of_federation_are_known(version: str) -> None:
    text = composed_text(f'{version}|type Query {{ t: T }} type T @key(fields: "id") {{ id: ID! @cost(weight: 2) }}')
    assert "specs.apollo.dev/join/v0.5" in text
    assert "id: ID! @cost(weight: 2)" in text


def test_cache_tags_are_allowed_and_left_out() -> None:
    text = composed_text(
        '2.12|type Query { t: T @cacheTag(format: "t") } '
        'type T @key(fields: "id") @cacheTag(format: "t-{$key.id}") { id: ID! }'
    )
    assert "cacheTag" not in text


def test_a_link_may_give_all_directives_another_prefix() -> None:
    text = composed_text(
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", as: "fed")\n'
        'type Query { t: T } type T @fed__key(fields: "id") { id: ID! }'
    )
    assert 'type T @join__type(graph: A, key: "id")' in text


def test_a_directive_that_only_one_subgraph_executes_is_left_out_and_told() -> None:
    composed = compose(
        sources_of({"a": "directive @alone on FIELD type Query { x: Int }", "b": "type Query { y: Int }"})
    )
    assert "@alone" not in composed.supergraph
    assert [hint.code for hint in composed.hints] == ["INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE"]


def test_a_directive_that_clients_write_has_what_every_subgraph_knows_of_it() -> None:
    composed = compose(
        sources_of(
            {
                "a": 'directive @d("why" e: E = B, i: I, only: Int) repeatable on FIELD | QUERY\n'
                "type Query { x: Int } enum E { A B } input I { a: Int b: Int }",
                "b": "directive @d(e: E!, i: I) on FIELD | FIELD_DEFINITION\n"
                "type Query { y: Int } enum E { B C } input I { b: Int! }",
            }
        )
    )
    schema = read_supergraph(composed.supergraph).api_schema
    directive = schema.get_directive("d")
    assert directive is not None
    assert print_directive(directive) == 'directive @d(\n  """why"""\n  e: E! = B\n  i: I\n) on FIELD'
    assert [print_type(schema.type_map[name]) for name in "EI"] == ["enum E {\n  B\n}", "input I {\n  b: Int!\n}"]
    assert [hint.code for hint in composed.hints if "@d" in hint.message] == [
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE",
        "INCONSISTENT_ARGUMENT_PRESENCE",
    ]


def test_a_query_may_be_reached_again_below_itself() -> None:
    text = composed_text("type Query { self: Query! x: Int }", "type Query { y: Int }")
    assert "self: Query! @join__field(graph: A)" in text


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        (
            "INCONSISTENT_DESCRIPTION",
            ('"one" type T @shareable { x: Int } type Query { t: T }', '"other" type T @shareable { x: Int }'),
        ),
        (
            "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
            ("type Query { x: Int! @shareable }", "type Query { x: Int @shareable }"),
        ),
        (
            "INCONSISTENT_ARGUMENT_PRESENCE",
            ("type Query { x(y: Int): Int @shareable }", "type Query { x: Int @shareable }"),
        ),
        (
            "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD",
            (
                "type Query { t: T @shareable } type T @shareable { x: Int y: Int }",
                "type Query { t: T @shareable } type T @shareable { x: Int }",
            ),
        ),
        (
            "INCONSISTENT_ENTITY",
            (
                'type Query { t: T } type T @key(fields: "id") { id: ID! }',
                "type Query { u: T } type T { id: ID! @shareable }",
            ),
        ),
        ("FROM_SUBGRAPH_DOES_NOT_EXIST", ('type Query { x: Int @override(from: "gone") }',)),
        (
            "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
            ("type Query { x: Int y: Int }", 'type Query { x: Int @override(from: "a") }'),
        ),
        ("UNUSED_ENUM_TYPE", ("type Query { x: Int } enum E { A }",)),
        (
            "INCONSISTENT_UNION_MEMBER",
            (
                "type Query { u: U } union U = T | S type T @shareable { x: Int } type S { y: Int }",
                "type Query { v: U } union U = T type T @shareable { x: Int }",
            ),
        ),
    ],
)
def test_what_may_not_be_meant_is_told(code: str, texts: Sequence[str]) -> None:
    composed = compose(sources_of({"abcdef"[at]: text for at, text in enumerate(texts)}))
    assert code in {hint.code for hint in composed.hints}


def test_what_composes_can_be_planned() -> None:
    """The planner is asked for every field on the short ways that lead to it."""
    refused = {folder.name: unplanned((folder / "supergraph.graphql").read_text()) for folder in FOLDERS[::5]}
    assert not {name: operations for name, operations in refused.items() if operations}


def test_one_scope_is_a_list_of_lists_as_everywhere_in_graphql() -> None:
    text = composed_text('type Query { x: Int @requiresScopes(scopes: ["a"]) y: Int @policy(policies: "p") }')
    assert 'x: Int @requiresScopes(scopes: [["a"]])' in text
    assert 'y: Int @policy(policies: [["p"]])' in text


def test_every_subgraph_keeps_a_name_of_its_own() -> None:
    names = graph_names(["a-b", "a_b", "A_B_1", "б", "г", "9", "scanStore"])
    assert len(set(names.values())) == 7
    assert names["scanStore"] == "SCAN_STORE"
    assert not any(graph.startswith("__") for graph in names.values())


@pytest.mark.parametrize(
    "links",
    [
        '@link(url: "https://specs.apollo.dev/federation/v2.3", import: "@key")',
        '@link(url: "https://specs.apollo.dev/federation/v2.3", import: {name: "@key"})',
        '@schemaLink(url: "https://specs.apollo.dev/link/v1.0", as: "schemaLink")\n'
        '@schemaLink(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])',
        '@link(url: "https://specs.apollo.dev/link/v1.0", as: "schemaLink")\n'
        '@schemaLink(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])',
        '@schemaLink(url: "https://specs.apollo.dev/link/v1.0", import: [{name: "@link", as: "@schemaLink"}])\n'
        '@schemaLink(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])',
    ],
)
def test_links_may_be_written_in_every_way_that_the_specification_knows(links: str) -> None:
    text = composed_text(f'raw|extend schema {links} type Query {{ t: T }} type T @key(fields: "id") {{ id: ID! }}')
    assert 'type T @join__type(graph: A, key: "id")' in text


def test_who_gives_link_another_name_may_have_a_link_of_their_own_and_print_definitions() -> None:
    text = composed_text(
        'raw|extend schema @schemaLink(url: "https://specs.apollo.dev/link/v1.0", as: "schemaLink")\n'
        '@schemaLink(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'
        "directive @schemaLink(url: String, as: String, for: schemaLink__Purpose, import: [schemaLink__Import])"
        " repeatable on SCHEMA\nscalar schemaLink__Import enum schemaLink__Purpose { SECURITY EXECUTION }\n"
        "directive @link(to: String!) on FIELD_DEFINITION\n"
        'type Query { t: T @link(to: "t") } type T @key(fields: "id") { id: ID! }'
    )
    assert 'type T @join__type(graph: A, key: "id")' in text
    assert "schemaLink" not in text


def test_the_supergraph_imports_what_it_has_and_no_more() -> None:
    text = composed_text(
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.1", import: ["@composeDirective"])\n'
        '@link(url: "https://example.com/own/v1.0", import: ["@own", "@other", "Kind"]) @composeDirective(name: "@own")'
        "directive @own on FIELD_DEFINITION directive @other on FIELD_DEFINITION scalar Kind\n"
        "type Query { x: Int @own @other }"
    )
    assert '@link(url: "https://example.com/own/v1.0", import: ["@own"])' in text


def test_a_directive_that_is_not_repeatable_is_written_once() -> None:
    own = (
        'raw|extend schema @link(url: "https://specs.apollo.dev/federation/v2.1", '
        'import: ["@composeDirective", "@shareable"])\n'
        '@link(url: "https://example.com/own/v1.0", import: ["@own"]) @composeDirective(name: "@own")\n'
        "directive @own(x: Int) on FIELD_DEFINITION\n"
    )
    text = composed_text(
        own + "type Query { x: Int @own(x: 1) @shareable }", own + "type Query { x: Int @own(x: 2) @shareable }"
    )
    assert "x: Int @own(x: 1)\n" in text


def test_a_scalar_may_be_called_like_one_of_the_specifications() -> None:
    text = composed_text("scalar Import scalar FieldSet type Query { x: Import y(z: FieldSet): Int }")
    assert "scalar Import @join__type(graph: A)" in text
    assert "scalar FieldSet @join__type(graph: A)" in text


def test_defaults_are_compared_by_value() -> None:
    text = composed_text(
        'type Query { x(y: String = "a", i: I = {a: 1, b: 2}): Int @shareable } input I { a: Int b: Int }',
        'type Query { x(y: String = """a""", i: I = {b: 2, a: 1}): Int @shareable } input I { a: Int b: Int }',
    )
    assert "x(y: String =" in text


def test_who_took_a_field_over_may_share_it() -> None:
    text = composed_text(
        "type Query { x: Int }",
        'type Query { x: Int @override(from: "a") @shareable }',
        "type Query { x: Int @shareable }",
    )
    assert 'x: Int @join__field(graph: B, override: "a") @join__field(graph: C)' in text


def test_a_description_is_never_broken() -> None:
    told = "mail me @foo and @bar " * 8
    quoted = 'say \\"""'
    text = composed_text(f'"""{quoted}"""\ntype Query {{\n"""\n{told}\n"""\nx: Int\n}}')
    assert told.strip() in text
