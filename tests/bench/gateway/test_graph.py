"""The bench's graph has the shape that it says it has."""

from __future__ import annotations

import json
import re

import pytest

from gateway.stages import stage_text
from tests.bench.gateway.graph import NESTED, SDLS, Graph, expected, supergraph
from tests.bench.gateway.operations import operations
from tests.bench.gateway.subgraph_server import Connection, Subgraphs


@pytest.mark.parametrize(("unique", "authors"), [(False, 1), (True, 59)])
def test_the_answer_has_88_kb_and_so_many_authors(unique: bool, authors: int) -> None:
    text = json.dumps({"data": expected(NESTED, unique)}, separators=(",", ":"))
    assert 86_000 < len(text) < 90_000
    found = re.findall(r'"author":\{"id":"([^"]+)"', text)
    assert (len(found), len(set(found))) == (59, authors)


def test_all_four_subgraphs_are_asked() -> None:
    plan = stage_text("plan", supergraph("http://127.0.0.1:1"), NESTED, None, None)
    assert set(re.findall(r"subgraph: (\w+)", plan)) == set(SDLS)


def test_two_hundred_operations_differ_and_can_be_answered() -> None:
    found = operations(200)
    assert len({each.text.partition("{")[2] for each in found}) == 200
    for operation in found[::20]:
        assert expected(operation.text, unique_authors=True)


def test_a_freight_without_its_cost_is_an_error() -> None:
    """A gateway that forgot what @requires asks for would not be right."""
    asked = {
        "query": "query($r: [_Any!]!) { _entities(representations: $r) { ... on Part { freight } } }",
        "variables": {"r": [{"__typename": "Part", "number": "1"}]},
    }
    answer = json.loads(Subgraphs().executed("store", json.dumps(asked).encode()))
    assert answer["data"]["_entities"][0]["freight"] is None
    assert answer["errors"]


def test_requests_are_read_however_they_are_cut() -> None:
    whole = b"POST /people HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" * 2
    chunked = b"POST /people HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    for size in (1, 7, 1000):
        connection, bodies = Connection(None), []  # type: ignore[arg-type]
        sent = whole + chunked
        for at in range(0, len(sent), size):
            bodies += [body for _, body in connection.requests(sent[at : at + size])]
        assert bodies == [b"abc"] * 3


def test_the_same_body_is_executed_once_for_each_choice_of_authors() -> None:
    subgraphs = Subgraphs()
    head, body = b"POST /reports HTTP/1.1", json.dumps({"query": "{ __typename }"}).encode()
    first = subgraphs.answer(head, body)
    assert subgraphs.answer(head, body) is first
    subgraphs.answer(b"GET /authors/unique HTTP/1.1", b"")
    assert subgraphs.answer(head, body) is not first
    assert subgraphs.answered == 3


def test_a_report_has_one_author_whoever_asks() -> None:
    graph = Graph(unique_authors=True)
    assert graph._author_of("6/2") == "of-6/2"
    assert graph._author_of("of-6/2.1") == "of-6/2"
