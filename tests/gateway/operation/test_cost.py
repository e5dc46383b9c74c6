"""What operations cost, against figures worked out by hand: those of the published documentation, and ours."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.composition.compose import compose
from gateway.operation.cost import Costs, TooExpensive
from gateway.operation.cost_formula import SizeUnknown
from gateway.operation.prepare import prepare
from gateway.planner.planning import Planning
from gateway.settings import CostSettings
from gateway.supergraph.read import read_supergraph
from tests.gateway.composition.refused import sources_of

# The example of Apollo's documentation of demand control.
BOOKS = """
type Query {
  book(id: ID): Book
  bestsellers: [Book] @listSize(assumedSize: 5)
  newestAdditions(after: ID, limit: Int!): [Book] @listSize(slicingArguments: ["limit"])
  all: [Book]
}
type Mutation { addBook(title: String): Book }
type Book { title: String author: Author publisher: Publisher }
type Author { name: String }
type Publisher { name: String address: Address }
type Address @cost(weight: 5) { zipCode: Int! }
"""
BOOK = "{ title author { name } publisher { name address { zipCode } } }"
# The kinds of weights that Apollo Router's own tests go through.
WEIGHTS = """
type Query {
  field: Int @cost(weight: 5)
  argument(arg: Int @cost(weight: 10)): Int
  enumeration: AorB
  input(some: Input): Int
  inputs(some: [Input!]): Int
  scalar: Dear
  object: Precious
  leaves: [String!] @listSize(assumedSize: 2000)
  sized(first: Int = 10): Sized @listSize(slicingArguments: ["first"], sizedFields: ["items"])
  either(first: Int, last: Int): [A] @listSize(slicingArguments: ["first", "last"], assumedSize: 7)
  any(first: Int, last: Int): [A]
    @listSize(slicingArguments: ["first", "last"], assumedSize: 7, requireOneSlicingArgument: false)
  things: [Thing] @listSize(assumedSize: 10)
  cheap: A @cost(weight: 0)
}
enum AorB @cost(weight: 15) { A B }
scalar Dear @cost(weight: 30)
type Precious @cost(weight: 40) { id: ID }
input Input { dear: Int @cost(weight: 20) plain: Int inner: Input }
type Sized { items: [A] others: [A] }
type A { id: ID b: A }
union Thing = A | Precious
"""


def estimated(sdl: str, query: str, variables: Any = None, **settings: Any) -> int:
    supergraph = read_supergraph(compose(sources_of({"a": sdl})).supergraph or "")
    operation = prepare(supergraph, query)
    costs = Costs(supergraph, CostSettings(**{"list_size": 10, **settings}))
    formula = costs.formula(operation, Planning(supergraph).plan(operation))
    estimate = costs.checked(formula, variables or {})
    assert estimate is not None
    return estimate.estimated


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        # book 1 + author 1 + publisher 1 + address 5
        (f"{{ book(id: 1) {BOOK} }}", {}, 8),
        (f"{{ bestsellers {BOOK} }}", {}, 40),
        (f"{{ newestAdditions(limit: 3) {BOOK} }}", {}, 24),
        (f"{{ newestAdditions(limit: 7) {BOOK} }}", {}, 56),
        (f"query ($n: Int!) {{ newestAdditions(limit: $n) {BOOK} }}", {"n": 7}, 56),
        (f"{{ all {BOOK} }}", {}, 80),
        ('mutation { addBook(title: "x") { title } }', {}, 11),
        ("{ __typename __schema { types { name } } }", {}, 0),
        (f"query ($no: Boolean!) {{ bestsellers @skip(if: $no) {BOOK} book {{ title }} }}", {"no": True}, 1),
        (f"query ($no: Boolean!) {{ bestsellers @skip(if: $no) {BOOK} book {{ title }} }}", {"no": False}, 41),
    ],
)
def test_the_documentations_examples(query: str, variables: Any, cost: int) -> None:
    assert estimated(BOOKS, query, variables) == cost


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ field }", 5),
        ("{ argument }", 0),
        ("{ argument(arg: 3) }", 10),
        ("{ enumeration }", 15),
        # The input object 1, its field 20.
        ("{ input(some: { dear: 10 }) }", 21),
        ("{ input(some: { plain: 10 }) }", 1),
        ("{ input(some: null) }", 0),
        ("{ input(some: { inner: { dear: 1 } }) }", 22),
        ("{ inputs(some: [{ dear: 1 }, { dear: 2 }]) }", 42),
        ("{ scalar }", 30),
        ("{ object { id } }", 40),
        ("{ leaves }", 0),
        ("{ sized(first: 5) { items { id } } }", 6),
        ("{ sized { items { id } } }", 11),
        # Only the fields that are named are of that size; 10 is what nobody said.
        ("{ sized(first: 5) { others { id } } }", 11),
        ("{ sized(first: 5) { items { b { id } } others { id } } }", 1 + 10 + 10),
        ("{ either(first: 3) { id } }", 3),
        ("{ any { id } }", 7),
        ("{ any(first: 3, last: 4) { id } }", 4),
        ("{ any(first: null) { id } }", 7),
        ("{ any(first: -5) { id } }", 0),
        # The dearer kind of thing counts: 10 x 40; of the other 10 x (1 + 1) is less.
        ("{ things { ... on A { b { id } } ... on Precious { id } } }", 400),
        ("{ cheap { id } }", 0),
        ("{ cheap { b { id } } }", 1),
    ],
)
def test_every_kind_of_weight(query: str, cost: int) -> None:
    assert estimated(WEIGHTS, query) == cost


def test_all_weights_together() -> None:
    query = """{
      field argument(arg: 3) enumeration input(some: { dear: 10 }) scalar object { id } leaves
      sized(first: 5) { items { id } }
    }"""
    assert estimated(WEIGHTS, query) == 127


@pytest.mark.parametrize("query", ["{ either { id } }", "{ either(first: 1, last: 2) { id } }"])
def test_exactly_one_argument_has_to_say_how_long_a_list_is(query: str) -> None:
    with pytest.raises(SizeUnknown, match="`either` needs exactly one of `first`, `last`"):
        estimated(WEIGHTS, query)
    assert estimated(WEIGHTS, query, mode="measure") in (7, 2)


def test_a_variable_without_a_value_leaves_the_arguments_default() -> None:
    query = "query ($n: Int) { sized(first: $n) { items { id } } }"
    assert [estimated(WEIGHTS, query, given) for given in ({}, {"n": 3})] == [11, 4]


def test_inputs_are_weighed_in_variables_too() -> None:
    query = "query ($in: Input) { input(some: $in) }"
    assert estimated(WEIGHTS, query, {"in": {"dear": 1, "inner": {"dear": 2}}}) == 42
    assert estimated(WEIGHTS, query, {}) == 0


def test_what_is_too_dear_is_refused_with_both_figures() -> None:
    query = f"{{ newestAdditions(limit: 7) {BOOK} }}"
    assert estimated(BOOKS, query, max=56) == 56
    with pytest.raises(TooExpensive, match="The operation may cost 56, and 55 is the most"):
        estimated(BOOKS, query, max=55)
    assert estimated(BOOKS, query, max=55, mode="measure") == 56


def test_a_number_beyond_all_bounds_is_refused_and_not_printed() -> None:
    nested = "{ newestAdditions(limit: 2000000000) { title } }"
    with pytest.raises(TooExpensive, match="2000000000"):
        estimated(BOOKS, nested)
    deep = 'type Query { l(n: Int!): [T] @listSize(slicingArguments: ["n"]) } type T { l(n: Int!): [T] '
    deep += '@listSize(slicingArguments: ["n"]) id: ID }'
    with pytest.raises(TooExpensive, match="more than 2\\^"):
        estimated(deep, "{" + " l(n: 2000000000) {" * 30 + " id " + "}" * 31)
