"""Where errors stand when a subgraph is down: at what the client lost, and there once."""

from __future__ import annotations

from typing import Any

from tests.federation.harness.suite import Case, answer_in_process, suite_named
from tests.gateway.execution.test_executor import Crashing


async def answer(suite_name: str, down: set[str], query: str, **variables: object) -> Any:
    suite = suite_named(suite_name)
    suite.subgraphs |= dict.fromkeys(down, Crashing())  # type: ignore[arg-type]
    found = await answer_in_process(suite, Case(suite_name, "down", query, variables, None, None))
    return found["data"], [each["path"] for each in found["errors"]]


async def test_what_conditions_leave_out_cannot_be_lost() -> None:
    query = "query ($all: Boolean!) { a: orders { name } b: orders @include(if: $all) { name } }"
    assert await answer("order-under-conditions", {"orders"}, query, all=False) == ({"a": None}, [["a"]])


async def test_what_two_subgraphs_were_to_give_is_lost_once() -> None:
    data, paths = await answer("shared-root-half-lost", {"looks", "sizes"}, "{ settings { colour size } }")
    assert (data, paths) == ({"settings": None}, [["settings"]])


async def test_of_an_object_that_another_subgraph_gave_only_the_rest_is_lost() -> None:
    data, paths = await answer("shared-root-half-lost", {"sizes"}, "{ layers { colour size } }")
    assert data == {"layers": [{"colour": "red", "size": None}, {"colour": "blue", "size": None}]}
    assert paths == [["layers", 0, "size"], ["layers", 1, "size"]]


async def test_an_object_whose_type_was_lost_is_lost_itself() -> None:
    query = "{ watched { trail ... on Part { bore name } ... on Machine { power } } }"
    data, paths = await answer("interface-object", {"assets"}, query)
    assert (data, paths) == (None, [["watched", 0], ["watched", 1]])


async def test_so_it_is_where_the_client_asks_for_the_type_alone() -> None:
    data, paths = await answer("interface-object", {"assets"}, "{ watched { trail __typename } }")
    assert (data, paths) == (None, [["watched", 0]])
