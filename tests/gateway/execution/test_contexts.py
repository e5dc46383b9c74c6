"""Values from objects above: one copy of an `_entities` field for each set of them, without what is missing."""

from __future__ import annotations

from graphql import parse
from msgspec import structs

from gateway.execution.contexts import keys_taking, spread, values_for
from gateway.execution.representations import batches_for
from gateway.plan.nodes import (
    ContextSource,
    ContextVariable,
    EntityInput,
    Fetch,
    RequiredField,
    Step,
    SubgraphName,
)

FIRST = EntityInput(
    "_entities0",
    "representations0",
    (Step("orders"), Step("items")),
    (RequiredField("id", "id"),),
    "Item",
    (ContextVariable("context0_0", False, (ContextSource(1, frozenset(), (RequiredField("rate", "rate"),)),)),),
)
SECOND = EntityInput("_entities1", "representations1", (Step("orders"),), (RequiredField("id", "id"),), "Order")
FETCH = Fetch(
    1,
    SubgraphName("orders"),
    "query",
    "query($representations0: [_Any!]!, $context0_0: Int!, $representations1: [_Any!]!, $x: Int, $y: Int)"
    " { _entities0: _entities(representations: $representations0) { ... on Item"
    ' { cost(rate: $context0_0, note: "$context0_0", x: $x) } }'
    " _entities1: _entities(representations: $representations1) { ... on Order { total(y: $y) } } }",
    ("x", "y"),
    (FIRST, SECOND),
)


WHOLE = frozenset[int]()


def order(rate: object, *items: str) -> dict[str, object]:
    return {"id": "o", "rate": rate, "items": [{"id": item} for item in items]}


def never(_: object) -> bool:
    return False


def test_objects_go_apart_by_what_they_are_given() -> None:
    tree: dict[str, object] = {"orders": [order(1, "a", "b"), order(2, "a"), order(1, "c", "a")]}
    batches = batches_for(tree, FIRST, never)
    assert [(batch.values, [each["id"] for each in batch.representations]) for batch in batches] == [
        ((1,), ["a", "b", "c"]),
        ((2,), ["a"]),
    ]
    assert [place.path for place in batches[0].owners[0]] == [("orders", 0, "items", 0), ("orders", 2, "items", 1)]


def test_a_null_where_none_may_be_is_missing_for_its_objects() -> None:
    tree: dict[str, object] = {"orders": [order(None, "a"), order(2, "b")]}
    without, whole = batches_for(tree, FIRST, never)
    assert ([each["id"] for each in without.representations], without.missing) == (["a"], {0})
    assert ([each["id"] for each in whole.representations], whole.missing, whole.ungiven) == (["b"], set(), ())
    assert [(each.place.path, each.missing[0].path) for each in without.ungiven] == [
        (("orders", 0, "items", 0), ("orders", 0, "rate"))
    ]


def test_a_value_that_was_lost_is_not_given_as_null() -> None:
    nullable = (ContextVariable("v", True, FIRST.contexts[0].sources),)
    tree = {"orders": [{"items": [{"id": "a"}]}]}
    path = ("orders", 0, "items", 0)
    assert values_for(tree, path, nullable, never) == ((None,), {})
    missing = values_for(tree, path, nullable, lambda place: place == ("orders", 0, "rate")).missing
    assert (missing[0].path, missing[0].is_unset) == (("orders", 0, "rate"), False)


def test_what_nothing_above_sets_is_missing() -> None:
    missing = values_for({}, ("item",), (ContextVariable("v", True, ()),), never).missing
    assert (missing[0].path, missing[0].is_unset) == (("item",), True)


def test_a_source_counts_for_its_types_only_and_the_next_one_follows() -> None:
    nearest = ContextSource(2, frozenset(("Film",)), (RequiredField("label", "label"),))
    farther = ContextSource(1, frozenset(), (RequiredField("label", "label"),))
    variables = (ContextVariable("v", True, (nearest, farther)),)
    tree = {
        "shelf": {
            "label": "shelf",
            "works": [{"__typename": "Film", "label": "reel", "note": {}}, {"__typename": "Book", "note": {}}],
        }
    }
    assert values_for(tree, ("shelf", "works", 0, "note"), variables, never).given == ("reel",)
    assert values_for(tree, ("shelf", "works", 1, "note"), variables, never).given == ("shelf",)


def test_each_set_of_values_has_a_copy_of_its_own() -> None:
    made = spread(FETCH, {"_entities0": [WHOLE, WHOLE], "_entities1": [WHOLE]})
    assert " ".join(made.document.split()) == (
        "query($representations0__0: [_Any!]!, $representations0__1: [_Any!]!, $context0_0__0: Int!,"
        " $context0_0__1: Int!, $representations1: [_Any!]!, $x: Int, $y: Int)"
        " { _entities0__0: _entities(representations: $representations0__0)"
        ' { ... on Item { cost(rate: $context0_0__0, note: "$context0_0", x: $x) } }'
        " _entities0__1: _entities(representations: $representations0__1)"
        ' { ... on Item { cost(rate: $context0_0__1, note: "$context0_0", x: $x) } }'
        " _entities1: _entities(representations: $representations1) { ... on Order { total(y: $y) } } }"
    )
    assert [each.alias for each in made.inputs] == ["_entities0__0", "_entities0__1", "_entities1"]
    assert made.inputs[1].contexts[0].variable == "context0_0__1"


def test_an_input_without_objects_goes_and_takes_its_variables_along() -> None:
    made = spread(FETCH, {"_entities0": [], "_entities1": [WHOLE]})
    assert " ".join(made.document.split()) == (
        "query($representations1: [_Any!]!, $y: Int)"
        " { _entities1: _entities(representations: $representations1) { ... on Order { total(y: $y) } } }"
    )
    assert made.inputs == (SECOND,)


def test_one_set_of_values_takes_the_plan_as_it_is() -> None:
    assert spread(FETCH, {"_entities0": [WHOLE], "_entities1": [WHOLE]}) is FETCH


def test_a_set_that_misses_a_value_is_asked_for_all_else() -> None:
    document = FETCH.document.replace("... on Item {", "... on Item { name mine: cost(rate: 1, y: $y)")
    made = spread(structs.replace(FETCH, document=document), {"_entities0": [frozenset((0,)), WHOLE], "_entities1": []})
    assert " ".join(made.document.split()) == (
        "query($representations0__0: [_Any!]!, $representations0__1: [_Any!]!, $context0_0__1: Int!, $x: Int, $y: Int)"
        " { _entities0__0: _entities(representations: $representations0__0)"
        " { ... on Item { name mine: cost(rate: 1, y: $y) } }"
        " _entities0__1: _entities(representations: $representations0__1)"
        ' { ... on Item { name mine: cost(rate: 1, y: $y) cost(rate: $context0_0__1, note: "$context0_0", x: $x) } } }'
    )
    assert keys_taking(document, "_entities0", frozenset(("context0_0",))) == ({"cost"}, True)
    assert keys_taking(FETCH.document, "_entities0", frozenset(("context0_0",))) == ({"cost"}, False)


def test_many_sets_make_a_document_that_parses() -> None:
    made = spread(FETCH, {"_entities0": [WHOLE] * 1000, "_entities1": [WHOLE]})
    assert len(made.inputs) == 1001
    assert parse(made.document)
