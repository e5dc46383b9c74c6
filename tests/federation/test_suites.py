"""Every case of every suite gives the same answer in process, over HTTP and by a program, with as many fetches."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.federation.harness.suite import (
    Case,
    Suite,
    all_cases,
    answer_by_program,
    answer_in_process,
    answer_over_http,
    answer_over_sse,
    suite_named,
)

Way = Callable[[Suite, Case], Awaitable[Any]]


@pytest.mark.parametrize("way", [answer_in_process, answer_over_http, answer_by_program])
@pytest.mark.parametrize("case", all_cases(), ids=str)
async def test_the_answer_is_the_expected_one(case: Case, way: Way) -> None:
    await compared(case, way)


@pytest.mark.parametrize("case", [case for case in all_cases() if "events" in case.expected], ids=str)
async def test_a_subscription_over_server_sent_events_is_the_same(case: Case) -> None:
    await compared(case, answer_over_sse)


async def compared(case: Case, way: Way) -> None:
    suite = suite_named(case.suite)
    answer = await way(suite, case)
    # As text, because the order of keys is part of the answer.
    assert json.dumps(answer, indent=1) == json.dumps(case.expected, indent=1)
    if case.fetches is not None:
        assert suite.fetches == case.fetches
