"""What is planned for the first time does not hold up what is known; and is planned once, whoever asks for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.app import build_app
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import OperationRequest
from gateway.settings import Limits, Settings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import Nobody, suite_named

KNOWN = OperationRequest("{ me { id } }")


@asynccontextmanager
async def running() -> AsyncIterator[LivePipeline]:
    suite = suite_named("shop")
    limits = Limits(max_aliases=5000, max_root_fields=5000, max_fields=20_000, max_tokens=50_000)
    app = build_app(Settings(development=True, limits=limits), suite.supergraph, suite.subgraphs)
    async with app.router.lifespan_context(app):
        yield app.state.gateway.pipeline


def long_to_plan(fields: int = 400) -> OperationRequest:
    """Hundreds of milliseconds of reading, validating and planning."""
    return OperationRequest("{ " + " ".join(f"a{i}: me {{ id name }}" for i in range(fields)) + " }")


async def test_known_operations_are_answered_while_another_is_planned() -> None:
    async with running() as pipeline:
        await pipeline.answer(await pipeline.ready(KNOWN), Nobody())
        planning = asyncio.create_task(pipeline.ready(long_to_plan()))
        answered = 0
        while not planning.done():
            # As with sockets: here nothing lets others on.
            await asyncio.sleep(0)
            answer = await pipeline.answer(await pipeline.ready(KNOWN), Nobody())
            assert not answer.errors
            answered += 1
        assert len((await planning).plan.shape.fields) == 400
        assert answered >= 5


async def test_what_many_ask_for_at_once_is_planned_once() -> None:
    async with running() as pipeline:
        figures = pipeline.newest.figures
        ready = await asyncio.gather(*(pipeline.ready(KNOWN) for _ in range(20)))
        assert len({id(each.plan) for each in ready}) == 1
        assert (figures.misses, figures.hits, sum(figures.planning.counts)) == (20, 0, 1)
        assert not any(each.was_kept for each in ready)
        assert (await pipeline.ready(KNOWN)).was_kept
        assert (figures.misses, figures.hits, pipeline.newest.kept_plans) == (20, 1, 1)


async def test_new_operations_are_refused_while_planning_is_behind_and_known_ones_are_not() -> None:
    suite = suite_named("shop")
    app = build_app(Settings(development=True), suite.supergraph, suite.subgraphs)
    async with served(app) as url, aiohttp.ClientSession() as client:

        async def asked(text: str) -> tuple[int, dict[str, Any], str | None]:
            async with client.post(f"{url}/graphql", json={"query": text}) as answer:
                return answer.status, await answer.json(), answer.headers.get("Retry-After")

        assert (await asked("{ me { id } }"))[0] == 200
        pipeline = app.state.gateway.pipeline
        let = threading.Event()
        try:
            held_up = [asyncio.create_task(pipeline.newest._aside.done(n, lambda: let.wait(30))) for n in range(65)]
            await asyncio.sleep(0.6)
            status, body, again_s = await asked("{ me { name } }")
            assert (status, body["errors"][0]["extensions"]["code"]) == (503, "OVERLOADED")
            assert again_s in ("1", "2")
            async with client.get(f"{url}/graphql", params={"query": "{ me { name } }"}) as answer:
                assert answer.status == 503
            assert (await asked("{ me { id } }"))[0] == 200
            live = asyncio.create_task(pipeline.newest.ready(OperationRequest("{ me { name } }"), patient=True))
            await asyncio.sleep(0.05)
            assert not live.done()
        finally:
            let.set()
        await asyncio.gather(*held_up)
        assert (await live).plan.kind == "query"
        assert (await asked("{ me { name } }"))[0] == 200


async def test_a_client_that_leaves_leaves_the_plan_to_the_next() -> None:
    async with running() as pipeline:
        leaving = asyncio.create_task(pipeline.ready(long_to_plan(300)))
        staying = asyncio.create_task(pipeline.ready(long_to_plan(300)))
        await asyncio.sleep(0.01)
        leaving.cancel()
        assert len((await staying).plan.shape.fields) == 300
        assert pipeline.newest.kept_plans == 1
