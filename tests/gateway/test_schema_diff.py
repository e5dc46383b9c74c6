"""What changed for clients between two schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphql import is_introspection_type, print_schema, print_type

from gateway.__main__ import main
from gateway.schema_diff import Severity, changes_between, schema_of
from tests.federation.harness.suite import SUITES

OLD = """
type Query { part(id: ID!): Part parts(first: Int = 10): [Part] old: Int }
type Part { id: ID! name: String kind: Kind weight: Float }
enum Kind { CAST MILLED }
union Thing = Part | Tool
type Tool { id: ID! }
input Filter { kind: Kind }
"""


@pytest.mark.parametrize(
    ("before", "after", "severity", "code"),
    [
        ("name: String", "", "breaking", "FIELD_REMOVED"),
        ("weight: Float", "weight: String", "breaking", "FIELD_CHANGED_KIND"),
        ("id: ID! name", "id: ID name", "breaking", "FIELD_CHANGED_KIND"),
        ("part(id: ID!)", "part(id: ID!, site: ID!)", "breaking", "REQUIRED_ARG_ADDED"),
        ("CAST MILLED", "CAST", "breaking", "VALUE_REMOVED_FROM_ENUM"),
        ("CAST MILLED", "CAST MILLED PRINTED", "dangerous", "VALUE_ADDED_TO_ENUM"),
        ("first: Int = 10", "first: Int = 20", "dangerous", "ARG_DEFAULT_VALUE_CHANGE"),
        ("= Part | Tool", "= Part", "breaking", "TYPE_REMOVED_FROM_UNION"),
        ("input Filter { kind: Kind }", "input Filter { kind: Kind! }", "breaking", "FIELD_CHANGED_KIND"),
        ("old: Int", 'old: Int @deprecated(reason: "use parts")', "dangerous", "FIELD_DEPRECATED"),
        ("name: String", "name: String!", "safe", "FIELD_CHANGED_KIND_SAFE"),
        ("name: String", "name: String colour: String", "safe", "FIELD_ADDED"),
    ],
)
def test_a_change_is_as_grave_as_it_is_for_clients(before: str, after: str, severity: str, code: str) -> None:
    new = OLD.replace(before, after, 1)
    assert new != OLD
    found = changes_between(schema_of(OLD), schema_of(new))
    assert [(change.severity, change.code) for change in found] == [(Severity(severity), code)]


def test_a_supergraph_is_compared_by_what_clients_see() -> None:
    text = (SUITES / "inaccessible" / "supergraph.graphql").read_text()
    hidden = text.replace("secret: String @", "secret: Int @", 1)
    assert hidden != text
    assert changes_between(schema_of(text), schema_of(hidden)) == []


def test_a_schema_need_not_say_what_the_gateway_brings_along() -> None:
    api = schema_of((SUITES / "inaccessible" / "supergraph.graphql").read_text())
    types = "\n".join(print_type(each) for each in api.type_map.values() if not is_introspection_type(each))
    assert all(name in print_schema(api) and name not in types for name in ("@defer", "@stream"))
    assert changes_between(api, schema_of(types)) == []


def test_the_command_prints_and_its_status_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.graphql", tmp_path / "new.graphql"
    old.write_text(OLD)
    new.write_text(OLD.replace("weight: Float", "").replace("CAST MILLED", "CAST MILLED PRINTED"))
    assert main(["diff", str(old), str(new)]) == 1
    breaking, dangerous, counts = capsys.readouterr().out.splitlines()
    assert breaking.split()[:2] == ["breaking", "FIELD_REMOVED"]
    assert "PRINTED" in dangerous
    assert counts == "1 breaking, 1 dangerous, 0 safe"
    assert main(["diff", str(old), str(new), "--fail-on", "never", "--format", "json"]) == 0
    assert [change["severity"] for change in json.loads(capsys.readouterr().out)] == ["breaking", "dangerous"]
    assert main(["diff", str(old), str(old)]) == 0
    old.write_text("type Query {")
    assert main(["diff", str(old), str(new)]) == 1
    assert "old.graphql cannot be read" in capsys.readouterr().err
