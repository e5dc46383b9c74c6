"""Which lists come in two goes, as the plan shows it."""

from __future__ import annotations

import pytest

from gateway.__main__ import main
from tests.federation.harness.suite import SUITES


def plan_of(tmp_path, capsys: pytest.CaptureFixture[str], suite: str, query: str) -> str:
    document = tmp_path / "query.graphql"
    document.write_text(query)
    assert main(["plan", "--supergraph", str(SUITES / suite / "supergraph.graphql"), str(document)]) == 0
    return capsys.readouterr().out


def test_the_plan_tells_what_is_streamed(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    query = 'query ($n: Int) { all: products @stream(initialCount: $n, label: "p") { parts @stream { inStock } } }'
    lines = plan_of(tmp_path, capsys, "defer", query).splitlines()
    assert lines[-3:] == [
        '  Stream (of: all, at once: $n, label: "p")',
        "  Stream (of: all.parts, at once: 0)",
        "}",
    ]


def test_streaming_changes_no_fetch(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = plan_of(tmp_path, capsys, "defer", "{ products { id inStock } }")
    streamed = plan_of(tmp_path, capsys, "defer", "{ products @stream { id inStock } }")
    assert streamed == plain.removesuffix("}\n") + "  Stream (of: products, at once: 0)\n}\n"


def test_a_list_that_a_fetch_reads_to_the_end_comes_at_once(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "{ product { text @stream { words } %s } }"
    assert "Stream" in plan_of(tmp_path, capsys, "two-meanings-of-a-key", query % "")
    assert "Stream" not in plan_of(tmp_path, capsys, "two-meanings-of-a-key", query % "sum")


def test_streams_and_deferred_fragments_side_by_side(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "{ products @stream { ... @defer { inStock } } slogan ... @defer { warehouses { city } } }"
    lines = plan_of(tmp_path, capsys, "defer", query).splitlines()
    heads = [line.strip() for line in lines if line.startswith(("  Defer", "  Stream"))]
    assert heads == ["Defer 1 (at: the root) {", "Defer 2 (at: products) {", "Stream (of: products, at once: 0)"]
