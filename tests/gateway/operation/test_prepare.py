"""An operation made plain, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from gateway.errors import ErrorCode, OperationInvalid
from gateway.operation.prepare import prepare
from gateway.stages import stage_text
from gateway.supergraph.read import read_supergraph

SUPERGRAPH = (Path(__file__).parents[2] / "federation" / "suites" / "abstract-types" / "supergraph.graphql").read_text()


def test_fragments_become_fields_with_types_and_conditions() -> None:
    document = """query ($on: Boolean!) {
      feed { id ...A ...B }
    }
    fragment A on Item { ... on Note @include(if: $on) { size } }
    fragment B on Photo { size likes @skip(if: true) id @skip(if: $on) }"""
    assert stage_text("normalize", SUPERGRAPH, document) == snapshot("""\
query {
  feed {
    id on Note
    id on Photo
    size on Note when $on
    size on Photo
  }
}\
""")


def test_each_type_has_its_keys_in_the_order_selected_for_it() -> None:
    document = "{ feed { ... on Photo { size id } ... on Note { id size } } }"
    assert stage_text("normalize", SUPERGRAPH, document) == snapshot("""\
query {
  feed {
    size on Photo
    id on Photo
    id on Note
    size on Note
  }
}\
""")


def test_the_clients_schema_has_nothing_inaccessible() -> None:
    schema = read_supergraph(SUPERGRAPH).api_schema
    assert "Secret" not in schema.type_map
    assert list(schema.type_map["Kind"].values) == ["RAW"]
    assert [name for name in schema.type_map if name.startswith(("join__", "link__"))] == []
    with pytest.raises(OperationInvalid) as refused:
        prepare(read_supergraph(SUPERGRAPH), "{ feed { ... on Secret { id } } }")
    assert refused.value.code == ErrorCode.GRAPHQL_VALIDATION_FAILED


def test_no_other_field_may_take_the_key_that_tells_types() -> None:
    with pytest.raises(OperationInvalid, match="reserved"):
        prepare(read_supergraph(SUPERGRAPH), "{ feed { __typename: id } }")


def test_introspection_is_kept_apart() -> None:
    operation = prepare(read_supergraph(SUPERGRAPH), "{ a: __schema { types { name } } first { id } }")
    assert [field.key for field in operation.fields] == ["first"]
    assert operation.root_keys == ("a", "first")
    assert operation.introspection is not None
    assert "first" not in operation.introspection
