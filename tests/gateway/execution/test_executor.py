"""What a plan means, shown with plans written by hand and subgraphs that really execute."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.client.in_process import InProcessClient
from gateway.plan.nodes import Condition, OutputRename, Parallel, SubgraphName
from gateway.plan.shape import Toggle
from tests.federation.harness.subgraph import DataSubgraph
from tests.gateway.execution.hand_plans import (
    ROOT,
    SHIPPING,
    SHIPPING_SDL,
    STOCK,
    STOCK_SDL,
    answer,
    executor_over,
    leaf,
    plan_of,
    shipping_fetch,
    stock_fetch,
)


def hosted(name: str, sdl: str, data: Any) -> tuple[DataSubgraph, InProcessClient]:
    subgraph = DataSubgraph(name, sdl, data)
    return subgraph, InProcessClient(SubgraphName(name), subgraph, 1.0)


class Crashing:
    """A hosted subgraph that falls over."""

    async def execute(self, *_: object) -> dict[str, object]:
        raise ConnectionError("gone")

    def subscribe(self, *_: object) -> Any:
        raise ConnectionError("gone")


def crashed(name: str) -> InProcessClient:
    return InProcessClient(SubgraphName(name), Crashing(), 1.0)


async def test_fields_of_three_subgraphs_stand_in_the_clients_order() -> None:
    plan = plan_of(
        ROOT,
        stock_fetch("left price"),
        shipping_fetch(),
        fields=(leaf("shipping"), leaf("name"), leaf("n", "Int", source="left")),
    )
    body = await answer(plan, executor_over())
    assert msgspec.json.encode(body) == msgspec.json.encode(
        {
            "data": {
                "top": [
                    {"shipping": "for 10", "name": "Valve", "n": 3},
                    {"shipping": "for 20", "name": "Pump", "n": 0},
                    {"shipping": "for 10", "name": "Valve", "n": 3},
                ]
            }
        }
    )


async def test_an_object_that_stands_in_two_places_is_asked_about_once() -> None:
    stock, client = hosted("stock", STOCK_SDL, STOCK)
    await answer(plan_of(ROOT, stock_fetch("left"), fields=(leaf("left", "Int"),)), executor_over({"stock": client}))
    assert [asked.variables for asked in stock.asked] == [
        {"r": [{"__typename": "Product", "id": "p1"}, {"__typename": "Product", "id": "p2"}]}
    ]


async def test_a_subgraph_that_is_down_costs_its_own_fields_and_each_says_so() -> None:
    plan = plan_of(ROOT, stock_fetch("left"), fields=(leaf("name"), leaf("stock", "Int", source="left")))
    body = await answer(plan, executor_over({"stock": crashed("stock")}))
    assert body["data"]["top"][0] == {"name": "Valve", "stock": None}
    assert [(error["path"], error["extensions"]) for error in body["errors"]] == [
        (["top", index, "stock"], {"code": "SUBGRAPH_UNAVAILABLE", "service": "stock", "traceId": "trace"})
        for index in (0, 2, 1)
    ]


async def test_a_loss_is_told_at_the_fields_that_depended_on_it() -> None:
    shipping, client = hosted("shipping", SHIPPING_SDL, SHIPPING)
    plan = plan_of(ROOT, stock_fetch("price"), shipping_fetch(), fields=(leaf("name"), leaf("shipping")))
    body = await answer(plan, executor_over({"stock": crashed("stock"), "shipping": client}))
    assert body["data"]["top"][1] == {"name": "Pump", "shipping": None}
    assert shipping.asked == []
    assert {tuple(error["path"]) for error in body["errors"]} == {("top", index, "shipping") for index in range(3)}
    assert {error["extensions"]["service"] for error in body["errors"]} == {"stock"}


async def test_an_error_at_an_entity_is_told_at_every_place_where_the_entity_stands() -> None:
    data = {
        "objects": {
            **STOCK["objects"],
            "p1": {**STOCK["objects"]["p1"], "left": {"$error": "lost count", "code": "CONFLICT"}},
        }
    }
    _, client = hosted("stock", STOCK_SDL, data)
    plan = plan_of(ROOT, stock_fetch("left"), fields=(leaf("n", "Int", source="left"),))
    body = await answer(plan, executor_over({"stock": client}))
    assert body["data"] == {"top": [{"n": None}, {"n": 0}, {"n": None}]}
    assert [(error["message"], error["path"], error["extensions"]["code"]) for error in body["errors"]] == [
        ("lost count", ["top", 0, "n"], "CONFLICT"),
        ("lost count", ["top", 2, "n"], "CONFLICT"),
    ]


async def test_outside_development_a_subgraphs_own_words_stay_inside() -> None:
    data = {"objects": {"p1": {**STOCK["objects"]["p1"], "left": {"$error": "select * from secret", "code": "SQL"}}}}
    _, client = hosted("stock", STOCK_SDL, data)
    plan = plan_of(ROOT, stock_fetch("left"), fields=(leaf("left", "Int"),))
    body = await answer(plan, executor_over({"stock": client}, development=False))
    assert body["errors"][0]["message"] == "Something went wrong inside."
    assert body["errors"][0]["extensions"] == {"code": "INTERNAL", "service": "stock", "traceId": "trace"}


async def test_null_in_a_non_null_field_takes_its_object_and_is_one_error() -> None:
    _, client = hosted("stock", STOCK_SDL, {"objects": {"p2": STOCK["objects"]["p2"]}})
    plan = plan_of(ROOT, stock_fetch("price"), fields=(leaf("name"), leaf("price", "Int", nullable=False)))
    body = await answer(plan, executor_over({"stock": client}))
    assert body["data"] == {"top": [None, {"name": "Pump", "price": 20}, None]}
    assert [(error["message"], error["path"]) for error in body["errors"]] == [
        ("Cannot return null for non-nullable field Product.price.", ["top", index, "price"]) for index in (0, 2)
    ]


async def test_a_failure_that_is_told_already_is_not_told_again_as_a_null() -> None:
    plan = plan_of(ROOT, stock_fetch("price"), fields=(leaf("price", "Int", nullable=False),))
    body = await answer(plan, executor_over({"stock": crashed("stock")}))
    assert body["data"] == {"top": [None, None, None]}
    assert sorted(error["path"] for error in body["errors"]) == [["top", index, "price"] for index in range(3)]


async def test_null_goes_up_to_the_root_where_nothing_on_the_way_may_be_null() -> None:
    plan = plan_of(ROOT, fields=(leaf("missing", nullable=False),), item_nullable=False)
    (top,) = plan.shape.fields
    root = msgspec.structs.replace(top, slot=msgspec.structs.replace(top.slot, nullable=False))
    plan = msgspec.structs.replace(plan, shape=msgspec.structs.replace(plan.shape, fields=(root,)))
    body = await answer(plan, executor_over())
    assert body["data"] is None
    assert len(body["errors"]) == 1


async def test_a_value_of_the_wrong_kind_is_an_error_and_null() -> None:
    plan = plan_of(ROOT, fields=(leaf("name", "Int"),))
    body = await answer(plan, executor_over())
    assert body["data"] == {"top": [{"name": None}] * 3}
    assert body["errors"][0]["message"] == "Int cannot represent value: 'Valve'"


async def test_a_condition_saves_the_fetch_and_a_toggle_leaves_the_field_out() -> None:
    stock, client = hosted("stock", STOCK_SDL, STOCK)
    field = msgspec.structs.replace(leaf("left", "Int"), toggles=((Toggle("with", True),),))
    plan = plan_of(ROOT, Condition("with", True, stock_fetch("left")), fields=(leaf("name"), field))
    executor = executor_over({"stock": client})
    without = await answer(plan, executor, {"with": False})
    assert (without["data"]["top"][0], len(stock.asked)) == ({"name": "Valve"}, 0)
    with_it = await answer(plan, executor, {"with": True})
    assert (with_it["data"]["top"][0], len(stock.asked)) == ({"name": "Valve", "left": 3}, 1)


async def test_an_internal_alias_is_never_seen_in_data_or_error_paths() -> None:
    document = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { _a1: left } } }"
    fetch = msgspec.structs.replace(stock_fetch("left"), document=document, renames=(OutputRename((), "_a1", "_left"),))
    plan = plan_of(ROOT, fetch, fields=(leaf("left", "Int", source="_left"),))
    assert (await answer(plan, executor_over()))["data"]["top"][1] == {"left": 0}
    data = {"objects": {"p1": {**STOCK["objects"]["p1"], "left": {"$error": "no"}}}}
    _, client = hosted("stock", STOCK_SDL, data)
    body = await answer(plan, executor_over({"stock": client}))
    assert body["errors"][0]["path"] == ["top", 0, "left"]


async def test_fetches_side_by_side_all_reach_the_tree() -> None:
    plan = plan_of(
        ROOT, Parallel((stock_fetch("left"), stock_fetch("price"))), fields=(leaf("left", "Int"), leaf("price", "Int"))
    )
    assert (await answer(plan, executor_over()))["data"]["top"][1] == {"left": 0, "price": 20}


async def test_a_root_fetch_that_fails_loses_the_root_field() -> None:
    body = await answer(plan_of(ROOT, fields=(leaf("name"),)), executor_over({"products": crashed("products")}))
    assert body["data"] == {"top": None}
    assert [error["path"] for error in body["errors"]] == [["top"]]
