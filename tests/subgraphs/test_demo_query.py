"""The demo's federated query: its plan as printed, its fetches, and what it costs in SQL however long its lists are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from db.caller import Caller
from db.engine import Database
from db.statements import counting
from gateway.app import build_app
from gateway.operation.prepare import prepare
from gateway.pipeline import OperationRequest
from gateway.plan.render import render
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.settings import Settings
from gateway.supergraph.read import read_supergraph
from infra.demo.operations import BAD_BATCH
from infra.local.embedded import SUPERGRAPH
from subgraphs.catalogue import open_subgraphs
from subgraphs.serving.roles import scopes_of
from tests.subgraphs.asking import Asker
from tests.subgraphs.conftest import PASSWORD, House
from tests.subgraphs.tenancy.conftest import SIGN_IN
from tests.subgraphs.victims import furnish_workspace

PRINTED = Path(__file__).parent / "bad_batch.plan.txt"
# The victims of the fixtures have verdicts of their own; the filter is not what is counted here.
ALL_INSPECTIONS = BAD_BATCH.replace("filter: {verdicts: [FAIL]}, ", "")


class Signed:
    """One caller of the gateway, as execution sees it."""

    trace_id = "test"
    headers = None
    principal = None

    def __init__(self, token: Callable[[], str]) -> None:
        self.token = token


def test_the_plan_is_the_printed_one() -> None:
    supergraph = read_supergraph(SUPERGRAPH.read_text())
    printed = render(plan_operation(build_query_graph(supergraph), prepare(supergraph, BAD_BATCH, None)))
    assert printed.strip() == PRINTED.read_text().strip()
    assert len(re.findall(r"Fetch \d+ \(", printed)) == 6


@pytest.mark.stack
async def test_longer_lists_cost_no_more_statements(house: House) -> None:
    async with open_subgraphs(house.settings) as opened, Database(house.settings.database_settings()) as database:
        owner = house.people["owner"]
        given = {"workspaceSlug": "acme", "email": owner.email, "password": PASSWORD}
        signed_in = await Asker(opened["tenancy"], house.gateway).data_of(SIGN_IN, {"input": given})
        caller = Signed(lambda: house.gateway.caller_token(signed_in["signIn"]["token"]))
        writer = Caller(house.acme.id, owner.id, frozenset({"owner"}), frozenset(scopes_of(["owner"])), owner.name)
        app = build_app(Settings(), SUPERGRAPH.read_text(), opened)
        async with app.router.lifespan_context(app):
            pipeline = app.state.gateway.pipeline
            counts = []
            for batch in (2, 6):
                for number in range(batch):
                    await furnish_workspace(database, writer, f"{number}of{batch} batch")
                ready = await pipeline.ready(OperationRequest(query=ALL_INSPECTIONS))
                with counting() as statements:
                    answer = await pipeline.answer(ready, caller)
                assert not answer.errors
                listed = len((answer.values() or {})["inspections"]["nodes"])
                counts.append((listed, statements.count))
    assert [listed for listed, _ in counts] == [2, 8]
    # Six fetches: each opens the tenant; the rest are the lists, their members and what these hang on.
    assert {count for _, count in counts} == {18}, counts
