"""Labelled overrides: decided for each request, by percentage or by setting, and planned for what was decided."""

from __future__ import annotations

import random
from collections import Counter

from gateway.app import build_app
from gateway.override_labels import OverrideLabels
from gateway.pipeline import OperationRequest
from gateway.settings import Settings
from tests.federation.harness.suite import Nobody, suite_named


async def prices(asked: int, **labels: bool | float) -> Counter[tuple[object, ...]]:
    """How often each answer came."""
    suite = suite_named("override-labels")
    app = build_app(Settings(development=True, override_labels=labels), suite.supergraph, suite.subgraphs)
    found: Counter[tuple[object, ...]] = Counter()
    async with app.router.lifespan_context(app):
        pipeline = app.state.gateway.pipeline
        for _ in range(asked):
            ready = await pipeline.ready(OperationRequest("{ products { price weight size } }"))
            answer = await pipeline.answer(ready, Nobody())
            assert not answer.errors
            found[tuple(answer.as_json()["data"]["products"][0].values())] += 1
    return found


async def test_a_percentage_of_requests_goes_to_the_new_subgraph() -> None:
    found = await prices(400)
    assert set(found) == {(10, 1, "old"), (20, 1, "old")}
    # 80 of 400 on average, with a standard deviation of 8.
    assert 40 <= found[20, 1, "old"] <= 120


async def test_labels_of_ones_own_are_on_where_they_are_set() -> None:
    found = await prices(5, **{"scales": True, "percent(20)": False})
    assert set(found) == {(10, 2, "old")}
    assert set(await prices(5, **{"scales": 100, "percent(20)": True})) == {(20, 2, "old")}


def test_one_draw_decides_all_percentages() -> None:
    chance = random.Random(1)
    labels = OverrideLabels(["percent(10)", "percent(50)", "percent(99.5)", "x", "percent(100)"], {}, chance.random)
    drawn = [labels.on() for _ in range(2000)]
    assert all("percent(50)" in on for on in drawn if "percent(10)" in on)
    assert all("percent(100)" in on and "x" not in on for on in drawn)
    share = sum("percent(50)" in on for on in drawn) / len(drawn)
    assert 0.45 < share < 0.55
    assert len(set(drawn)) <= 4


def test_nothing_is_drawn_where_nothing_is_by_chance() -> None:
    def never() -> float:
        raise AssertionError

    assert OverrideLabels(["x", "y"], {"x": True}, never).on() == {"x"}
