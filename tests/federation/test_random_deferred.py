"""Random operations with @defer and @stream over every suite: all pieces together are what comes without pieces."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from graphql import OverlappingFieldsCanBeMergedRule, parse, validate

from gateway.app import build_app
from gateway.execution.pieces import Spelling
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import OperationRequest
from gateway.settings import Limits, Settings
from tests.differential.deferring import joined, joined_by_paths, with_defers
from tests.differential.streaming import with_streams
from tests.federation.harness.suite import Nobody, suite_named
from tests.federation.test_random_operations import SUITES, selection_of

OPERATIONS = 8
# Their data differ between subgraphs on purpose, so that a value tells who was asked; a deferred field may ask another.
TELLING = {"abstract-types", "external-styles", "override-labels", "provides-nested", "provides-on-interface"}


@pytest.mark.parametrize("folder", SUITES, ids=lambda folder: folder.name)
async def test_all_pieces_together_are_the_whole(folder: Path) -> None:
    suite = suite_named(folder.name)
    app = build_app(Settings(development=True, limits=Limits(max_defers=1000)), suite.supergraph, suite.subgraphs)
    chance = random.Random(folder.name)
    deferred = 0
    async with app.router.lifespan_context(app):
        pipeline: LivePipeline = app.state.gateway.pipeline
        schema = pipeline.newest._supergraph.api_schema
        for _ in range(OPERATIONS * 3):
            body = selection_of(chance, schema, schema.query_type, 5).removeprefix("{")
            plain = f"query ($a: Boolean!, $b: Boolean!) {{ t: __typename @include(if: $a) @skip(if: $b) {body}"
            if validate(schema, parse(plain), [OverlappingFieldsCanBeMergedRule]):
                continue
            variables = {"a": chance.random() < 0.5, "b": chance.random() < 0.5}
            text = with_defers(chance, plain)
            if chance.random() < 0.5:
                streamed = with_streams(chance, schema, text)
                # A list that is asked twice must not be streamed.
                text = text if validate(schema, parse(streamed)) else streamed
            request = OperationRequest(text, variables)
            whole = (await pipeline.answer(await pipeline.ready(request), Nobody())).as_json()
            ready = await pipeline.ready(request, in_pieces=True)
            if ready.plan.deferral is None or "errors" in whole:
                continue
            deferred += 1
            for spelling, together in ((Spelling.PENDING, joined), (Spelling.PATHS, joined_by_paths)):
                pieces: list[Any] = [each.as_json() async for each in pipeline.pieces(ready, Nobody(), spelling)]
                seen = _without_values if folder.name in TELLING else _itself
                assert seen(together(pieces)) == seen(whole["data"]), (request.query, variables, pieces)
                assert "'errors'" not in str(pieces), (request.query, variables, pieces)
            if deferred == OPERATIONS:
                break


def _itself(data: Any) -> Any:
    return data


def _without_values(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_values(value) for key, value in data.items()}
    return [_without_values(each) for each in data] if isinstance(data, list) else "..."
