"""The compiled executor answers random documents to random schemas as graphql-core does.

300 schemas here; `./dev executor 10000` asks more. A difference that it finds becomes a test of
tests/subgraphs/serving/compiled before it is mended.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLFloat, GraphQLInt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.types.field import StrawberryField

from subgraphs.serving.compiled import recognising, selections, writing
from subgraphs.serving.compiled.completing import FieldPlan
from subgraphs.serving.compiled.executor import CompiledExecutor
from tests.executor.comparing import ASKED, Difference, compare

pytestmark = [
    # What an error gave up before its first step is never awaited, with either executor.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PARTS, IN_A_PART = 6, 35


@pytest.mark.parametrize("part", range(PARTS))
def test_the_answer_is_graphql_cores(part: int) -> None:
    @settings(
        max_examples=IN_A_PART, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.randoms(use_true_random=True))
    def ask(chance: random.Random) -> None:
        seen = asyncio.run(compare(chance))
        assert seen[ASKED] == 5

    ask()


def never(*_: Any) -> None:
    return None


async def one_after_the_other(results: list[Any], later: list[int]) -> list[Any]:
    for index in later:
        results[index] = await results[index]
    return results


async def passed_on(_: object, __: object, ___: object, completed: Any) -> Any:
    return await completed


def arguments_of_another(self: CompiledExecutor, plan: FieldPlan, field: StrawberryField) -> dict[str, Any] | None:
    """A cache that forgets whose arguments it holds."""
    given = KEPT.get(plan.name) or REAL_ARGUMENTS(self, plan, field)
    if given is not None:
        KEPT[plan.name] = given
    return given


REAL_ARGUMENTS = CompiledExecutor.arguments
KEPT: dict[str, dict[str, Any]] = {}
SABOTAGE: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "integers of any size": lambda patch: patch.setitem(writing.AS_THEY_ARE, GraphQLInt, "type(v) is int"),
    "floats that are none": lambda patch: patch.setitem(writing.AS_THEY_ARE, GraphQLFloat, "type(v) is float"),
    "no error at an item": lambda patch: patch.setitem(selections._ALL_NAMES, "item_failed", never),
    "no error at a field": lambda patch: patch.setitem(selections._ALL_NAMES, "field_failed", never),
    "smaller batches": lambda patch: patch.setitem(selections._ALL_NAMES, "items_later", one_after_the_other),
    "errors located too high": lambda patch: patch.setitem(selections._ALL_NAMES, "field_later", passed_on),
    "what waits is forgotten": lambda patch: patch.setitem(selections._ALL_NAMES, "abandon_items", never),
    "casts not looked at": lambda patch: patch.setitem(selections._ALL_NAMES, "uncast", lambda _: True),
    "any class for any type": lambda patch: patch.setattr(recognising, "_is_own_class", lambda *_: True),
    "errors are plain values": lambda patch: patch.setattr(recognising, "_is_plain", lambda _: True),
    "arguments of another field": lambda patch: patch.setattr(CompiledExecutor, "arguments", arguments_of_another),
    "truth is a number": lambda patch: patch.setitem(writing.AS_THEY_ARE, GraphQLInt, "isinstance(v, int)"),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_broken_compiler_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SABOTAGE[name](monkeypatch)
    with pytest.raises(Difference):
        asyncio.run(_compare_some())


async def _compare_some() -> None:
    for seed in range(120):
        await compare(random.Random(seed))
