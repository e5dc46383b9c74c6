"""Answers that come in pieces: for each case of `suites/defer/{deferred,streamed}.json` every piece, in both spellings.

A case has a `name`, a `query`, maybe `variables`; `pieces` as the newer spelling has them and `paths` as the older one
does (errors by place and code); `fetches`: how many requests subgraphs get before the first piece, and in all.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.app import build_app
from gateway.execution.pieces import Spelling
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import OperationRequest
from gateway.settings import Settings
from tests.federation.harness.suite import SUITES, Nobody, suite_named

CASES = [
    case for name in ("deferred", "streamed") for case in json.loads((SUITES / "defer" / f"{name}.json").read_text())
]
Json = Any


async def pieces_of(case: Json, spelling: Spelling) -> tuple[list[Json], list[int]]:
    """Every piece, and how many requests subgraphs had got with it."""
    suite = suite_named("defer")
    app = build_app(Settings(development=True), suite.supergraph, suite.subgraphs)
    async with app.router.lifespan_context(app):
        pipeline: LivePipeline = app.state.gateway.pipeline
        ready = await pipeline.ready(OperationRequest(case["query"], case.get("variables")), in_pieces=True)
        if ready.plan.deferral is None:
            answer = await pipeline.answer(ready, Nobody())
            return [_seen(answer.as_json())], [suite.fetches]
        found, fetches = [], []
        async for piece in pipeline.pieces(ready, Nobody(), spelling):
            found.append(_seen(piece.as_json()))
            fetches.append(suite.fetches)
        return found, fetches


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_each_piece_is_the_expected_one(case: Json) -> None:
    pieces, fetches = await pieces_of(case, Spelling.PENDING)
    assert json.dumps(pieces, indent=1) == json.dumps(case["pieces"], indent=1)
    assert [fetches[0], fetches[-1]] == case["fetches"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_each_piece_has_its_path_in_the_older_spelling(case: Json) -> None:
    pieces, fetches = await pieces_of(case, Spelling.PATHS)
    assert json.dumps(pieces, indent=1) == json.dumps(case["paths"], indent=1)
    assert [fetches[0], fetches[-1]] == case["fetches"]


def _seen(body: Json) -> Json:
    """With errors by place and code."""
    if isinstance(body, list):
        return [_seen(each) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        key: [{"path": each.get("path"), "code": each["extensions"]["code"]} for each in value]
        if key == "errors"
        else _seen(value)
        for key, value in body.items()
    }
