"""A program's answer is the generic executor's, to the byte: random questions to random graphs, some of which lie.

80 graphs here, always the same ones; more by `./dev differential --programs 10000`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from gateway.compiled.program import Run
from tests.differential.comparing import QUESTION, Difference
from tests.differential.compiling import compare_compiled


def test_programs_answer_as_the_generic_executor(caplog: pytest.LogCaptureFixture) -> None:
    seen: Counter[str] = Counter()
    for seed in range(80):
        seen += asyncio.run(compare_compiled(random.Random(seed)))
    assert seen["compiled"] > seen[QUESTION] / 3
    assert seen["surprised"] > 20
    assert caplog.records == []


async def until_one_differs() -> None:
    for seed in range(20):
        await compare_compiled(random.Random(seed))


def test_a_request_that_is_sent_again_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.execution.sent.Sent.add", lambda *_: None)
    with pytest.raises(Difference, match="what is asked differs"):
        asyncio.run(until_one_differs())


def test_an_error_that_is_overlooked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(self: Run, number: int, answer: object) -> object:
        return self._requests[number].read(answer).data  # type: ignore[attr-defined]

    monkeypatch.setattr(Run, "read", read)
    with pytest.raises(Difference, match="the answers differ"):
        asyncio.run(until_one_differs())
