"""The gateway answers random questions to random graphs as one plain schema does.

300 graphs here, always the same ones; `./dev differential 10000` asks more. A difference that it finds becomes a suite
of tests/federation before it is mended.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from gateway.execution import fetching
from gateway.execution.representations import Batch
from gateway.plan.nodes import Fetch
from tests.differential import answering, comparing
from tests.differential.comparing import Difference, compare
from tests.differential.faults import Faults, Losses
from tests.differential.truth import Ref

GRAPHS, AT_ONCE = 300, 50


@pytest.mark.parametrize("first", range(0, GRAPHS, AT_ONCE))
def test_the_answer_is_the_one_schemas(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        try:
            asyncio.run(compare(random.Random(seed)))
        except Exception as problem:
            problem.add_note(f"./dev differential 1 --first {seed}")
            raise


def test_a_wrong_answer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = answering.Whole.answer

    def wrong(self: answering.Whole, document: str, variables: dict[str, object], losses: Losses) -> object:
        found = real(self, document, variables, losses)
        assert found.data is not None
        found.data["one too many"] = 1
        return found

    monkeypatch.setattr(answering.Whole, "answer", wrong)
    with pytest.raises(Difference):
        asyncio.run(compare(random.Random(1)))


def test_what_is_lost_needlessly_is_not_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With entities that are not found every null might be for them; here the gateway drops what it was given."""
    faults = Faults(missing=frozenset({(Ref("somebody else", 0), "s0")}))
    monkeypatch.setattr(comparing, "random_faults", lambda chance, house: faults)
    real = fetching._merge_entities

    def forgetful(fetch: Fetch, batch: Batch, entities: list[object]) -> None:
        for each in entities:
            if isinstance(each, dict):
                each |= dict.fromkeys(each.keys() - {"__typename", "id"})
        real(fetch, batch, entities)

    monkeypatch.setattr(fetching, "_merge_entities", forgetful)
    with pytest.raises(Difference, match=r"\n\[\('"):
        asyncio.run(_compare_some())


async def _compare_some() -> None:
    for seed in range(20):
        await compare(random.Random(seed))
