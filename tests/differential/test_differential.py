"""The gateway answers random questions to random graphs as one plain schema does.

300 graphs here, always the same ones; `./dev differential 10000` asks more. A difference that it finds becomes a suite
of tests/federation before it is mended.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.differential.comparing import Difference, compare
from tests.differential.faults import Losses

GRAPHS = 300


@settings(
    max_examples=GRAPHS,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(chance=st.randoms(use_true_random=False))
def test_the_answer_is_the_one_schemas(chance: random.Random) -> None:
    asyncio.run(compare(chance))


def test_a_wrong_answer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.differential import answering

    real = answering.Whole.answer

    def wrong(self: answering.Whole, document: str, variables: dict[str, object], losses: Losses) -> object:
        found = real(self, document, variables, losses)
        assert found.data is not None
        found.data["one too many"] = 1
        return found

    monkeypatch.setattr(answering.Whole, "answer", wrong)
    with pytest.raises(Difference):
        asyncio.run(compare(random.Random(1)))
