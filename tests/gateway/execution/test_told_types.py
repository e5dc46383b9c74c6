"""A subgraph that says something else than a name for an object's type costs that object, and nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.compiled.executor import CompilingExecutor
from gateway.composition.compose import SubgraphSource, compose
from gateway.execution.reporting import Reporting
from gateway.operation.prepare import prepare
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import Nobody
from tests.gateway.compiled.test_programs import Answering

_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])'
SDLS = {
    "things": f"""{_LINK}
        type Query {{ things: [Thing] }}
        interface Thing {{ id: ID! }}
        type Pump implements Thing @key(fields: "id") {{ id: ID! }}
        type Valve implements Thing @key(fields: "id") {{ id: ID! }}
    """,
    "stock": f"""{_LINK}
        type Pump @key(fields: "id") {{ id: ID! left: Int }}
    """,
}


@pytest.mark.parametrize("name", [{"a": 1}, [], 7, True])
async def test_what_is_no_name_costs_one_object(name: Any) -> None:
    text = compose([SubgraphSource(each, f"http://{each}", sdl) for each, sdl in SDLS.items()]).supergraph
    planning = Planning(read_supergraph(text))
    things = [{"__typename": name, "id": "1"}, {"__typename": "Pump", "id": "2"}]
    clients = {
        "things": Answering("things", lambda _: {"data": {"things": things}}),
        "stock": Answering(
            "stock", lambda given: {"data": {"_entities": [{"left": 3} for _ in given["representations"]]}}
        ),
    }
    executor = CompilingExecutor(clients, planning.supergraph.api_schema, Reporting(development=True))
    plan = planning.plan(prepare(planning.supergraph, "{ things { id ... on Pump { left } } }"))
    answers = [await executor.execute(plan, {}, Nobody()) for _ in range(2)]
    assert [each.values() for each in answers] == [{"things": [None, {"id": "2", "left": 3}]}] * 2
    assert [[error.path for error in each.errors] for each in answers] == [[("things", 0)]] * 2
