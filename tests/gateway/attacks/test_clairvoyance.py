"""Who does not know the schema does not learn it: no answer outside development names what the question did not."""

from __future__ import annotations

import re

import pytest
from graphql import build_schema

from gateway.settings import Settings
from tests.gateway.attacks.target import Request, supergraph, target

BY_VARIABLE = "query ($x: Filter) { search(filter: $x) { id } }"
# One letter off, or one word of a longer name, as a guesser's word list has them.
GUESSES = [
    pytest.param("{ usr { id } }", None, id="a root field"),
    pytest.param("mutation { renam { id } }", None, id="a mutation"),
    pytest.param('{ user(id: "1") { secret } }', None, id="a field"),
    pytest.param('{ user(id: "1") { ... on Hom { id } } }', None, id="a type in a fragment"),
    pytest.param("query ($x: Filte) { search(filter: $x) { id } }", {}, id="a type of a variable"),
    pytest.param("{ search(secretArg: 1) { id } }", None, id="an argument"),
    pytest.param("{ search(filter: { secretInpu: RED }) { id } }", None, id="an input field"),
    pytest.param("{ search(filter: { secretInput: SECRET_COLOR }) { id } }", None, id="an enum's value"),
    pytest.param(
        "query ($x: Filter) { search(filter: $x) { id } }", {"x": {"secretInpu": 1}}, id="an input in a variable"
    ),
    pytest.param(
        "query ($x: Filter) { search(filter: $x) { id } }", {"x": {"secretInput": "SECRET_COLOR"}}, id="an enum in one"
    ),
    pytest.param("query ($x: Filter) { search(filter: $x) { id } }", {"x": {"and": [{"nott": {}}]}}, id="deep in one"),
    pytest.param("{ __typename @skp(if: true) }", None, id="a directive"),
    pytest.param("{ __typename @skip(iff: true) }", None, id="a directive's argument"),
    pytest.param("{ search { ...Fraagment } } fragment Fragment on User { id }", None, id="a fragment"),
    pytest.param("{ search }", None, id="no selection"),
    pytest.param("{ search { name { x } } }", None, id="a selection of a leaf"),
    pytest.param('{ node(id: "VXNlcjox") { idd } }', None, id="the node field"),
]


@pytest.mark.parametrize(("query", "variables"), GUESSES)
async def test_a_guess_that_is_nearly_right_is_told_nothing(query: str, variables: object) -> None:
    async with target(Settings()) as under_attack:
        outcome = await under_attack.attack(Request({"query": query, "variables": variables}))
        messages = [error["message"] for error in outcome.answer["errors"]]
        assert "Did you mean" not in " ".join(messages)
        told = set(re.findall(r"\w+", " ".join(messages)))
        assert told & (_names() - _near(query, variables)) == set()


async def test_in_development_a_guess_is_helped() -> None:
    async with target(Settings(development=True)) as under_attack:
        outcome = await under_attack.attack(Request({"query": "{ usr { id } }"}))
        assert "Did you mean 'user' or 'users'?" in outcome.answer["errors"][0]["message"]


def _names() -> set[str]:
    """Every name of the schema but those that are words of any sentence."""
    schema = build_schema(supergraph(), assume_valid=True)
    found: set[str] = set()
    for named in schema.type_map.values():
        if "__" not in named.name and named.name not in (
            "Query",
            "Mutation",
            "String",
            "Int",
            "ID",
            "Boolean",
            "Float",
        ):
            found |= {named.name, *getattr(named, "fields", ()), *getattr(named, "values", ())}
    return found - {"and", "in", "name", "not"}


def _near(query: str, variables: object) -> set[str]:
    """Names that the guesser has shown to know, and the types of what they name: where one field was right, its errors
    say what it is."""
    known = set(re.findall(r"\w+", f"{query} {variables}"))
    return known | {"User", "Filter", "Colour"}
