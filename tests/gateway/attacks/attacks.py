"""The attacks: what is sent, what must come back, and the most CPU time and memory that may go into it.

Every attack is sent several times, each time with another text, so that nothing kept from the last time helps.
Bounds are for two slow shared cores, and leave room for other work beside: about three times what was measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from gateway.settings import HttpSettings, Limits, Settings
from tests.gateway.attacks.target import Outcome, Request

USUAL = Settings()
OPEN = Settings(introspection=True)
BATCHES = Settings(limits=Limits(max_batch=10))
CAREFUL = Settings(http=HttpSettings(csrf_prevention=True))
LIMIT, COST = "COST_LIMIT_EXCEEDED", "COST_ESTIMATED_TOO_EXPENSIVE"
INVALID, INPUT, SYNTAX = "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED"


@dataclass
class Attack:
    """`made(n)`: the nth request. code: of every error; None where anything goes that `holds` says of the outcome."""

    name: str
    made: Callable[[int], Request]
    code: str | None
    cpu_ms: float
    memory_mb: float
    settings: Settings = USUAL
    holds: Callable[[Outcome], bool] = lambda outcome: True
    fetches: int = 0

    def __str__(self) -> str:
        return self.name


def query(text: str, **more: object) -> Request:
    return Request({"query": text, **more})


def repeated(n: int, what: str, times: int) -> str:
    """`#` in it is the number of the repetition."""
    return f"query Q{n} {{ " + " ".join(what.replace("#", str(i)) for i in range(times)) + " }"


def nested(opening: str, closing: str, levels: int, within: str) -> str:
    return opening * levels + within + closing * levels


def _cop() -> Iterator[Attack]:
    """What graphql-cop tries."""
    yield Attack("alias_overload", lambda n: query(repeated(n, "alias#: __typename", 101)), LIMIT, 30, 3)
    yield Attack("alias_flood", lambda n: query(repeated(n, 'a#: user(id: "1") { name }', 450)), LIMIT, 100, 6)
    batch = [{"query": "query cop { __typename }"}] * 10_000
    yield Attack("array_batching", lambda n: Request(batch), INPUT, 20, 2)
    yield Attack("array_batching_11", lambda n: Request(batch[:11]), INPUT, 10, 1, BATCHES)
    skips = lambda n: query(f"query Q{n} {{ __typename {'@skip(if: false) ' * 5000} }}")  # noqa: E731
    yield Attack("directive_overload", skips, LIMIT, 20, 1, holds=lambda o: b"200 directives" in o.body)
    few = lambda n: query(f"query Q{n} {{ __typename {'@aa' * 10} }}")  # noqa: E731
    # One refusal for each would let a short request ask for a long answer.
    yield Attack("directive_overload_10", few, INVALID, 20, 2, holds=lambda o: len(o.answer["errors"]) < 10)
    circle = nested("fields { type { ", "} }", 8, "name")
    yield Attack(
        "circular_introspection",
        lambda n: query(f"query Q{n} {{ __schema {{ types {{ {circle} }} }} }}"),
        LIMIT,
        20,
        2,
        OPEN,
    )
    yield Attack("introspection", lambda n: query(f"query Q{n} {{ __schema {{ types {{ name }} }} }}"), INVALID, 20, 2)
    yield Attack("field_duplication", lambda n: query(repeated(n, "__typename", 4900)), LIMIT, 250, 10)
    yield Attack(
        "field_suggestions", lambda n: query(f"query Q{n} {{ usrs {{ nam }} user }}"), INVALID, 20, 2, holds=mute
    )
    by_get = urlencode({"query": 'mutation { rename(id: "1", name: "x") { id } }'}).encode()
    yield Attack("get_mutation", lambda n: Request(method="GET", query_string=by_get), INPUT, 20, 2, holds=status(405))
    typename = urlencode({"query": "query cop { __typename }"}).encode()
    yield Attack(
        "get_from_a_form", lambda n: Request(method="GET", query_string=typename), INPUT, 10, 1, CAREFUL, status(403)
    )
    form = (("content-type", "application/x-www-form-urlencoded"),)
    yield Attack("post_urlencoded", lambda n: Request(typename, headers=form), INPUT, 10, 1, holds=status(415))
    html = (("accept", "text/html"),)
    page = lambda n: Request(method="GET", headers=html)  # noqa: E731
    yield Attack("graphiql", page, None, 10, 1, holds=status(406))
    root = lambda n: Request(method="GET", path="/", headers=html)  # noqa: E731
    yield Attack("playground", root, None, 10, 1, holds=status(404))
    traced = (("apollo-tracing", "1"), ("x-query-plan", "1"))
    traces = lambda n: Request({"query": "{ __typename }", "extensions": {"queryPlan": True}}, headers=traced)  # noqa: E731
    yield Attack("trace_mode", traces, None, 20, 2, holds=lambda o: o.answer == {"data": {"__typename": "Query"}})
    yield Attack("unhandled_error", lambda n: query(f"qwerty cop{n} {{ abc }}"), SYNTAX, 10, 1, holds=silent)


def _documents() -> Iterator[Attack]:
    """Documents that cost more than they look."""
    cycle = " ".join(f"fragment F{i} on Query {{ ...F{(i + 1) % 200} __typename }}" for i in range(200))
    yield Attack("fragment_cycle", lambda n: query(f"query Q{n} {{ ...F0 }} {cycle}"), INVALID, 60, 4)
    tight = "fragment A on User { boss { ...A } }"
    yield Attack(
        "fragment_in_itself", lambda n: query(f'query Q{n} {{ user(id: "1") {{ ...A }} }} {tight}'), INVALID, 20, 2
    )
    unused = " ".join(f"fragment F{i} on User {{ id }}" for i in range(500))
    yield Attack("unused_fragments", lambda n: query(f"query Q{n} {{ __typename }} {unused}"), LIMIT, 90, 5)
    doubling = " ".join(
        f"fragment F{i} on User {{ a: boss {{ ...F{i + 1} }} b: boss {{ ...F{i + 1} }} }}" for i in range(30)
    )
    bomb = f"{doubling} fragment F30 on User {{ id }}"
    yield Attack("fragment_bomb", lambda n: query(f'query Q{n} {{ user(id: "1") {{ ...F0 }} }} {bomb}'), LIMIT, 40, 3)
    spread = " ".join(f"fragment F{i} on User {{ {f'...F{i + 1} ' * 10} }}" for i in range(12))
    wide = f"{spread} fragment F12 on User {{ id name }}"
    yield Attack("spread_bomb", lambda n: query(f'query Q{n} {{ user(id: "1") {{ ...F0 }} }} {wide}'), LIMIT, 40, 3)
    deep = nested("boss { ", "} ", 1000, "id")
    yield Attack("deep_selection", lambda n: query(f'query Q{n} {{ user(id: "1") {{ {deep} }} }}'), LIMIT, 20, 2)
    fifty = nested("boss { ", "} ", 50, "id")
    yield Attack("depth_51", lambda n: query(f'query Q{n} {{ user(id: "1") {{ {fifty} }} }}'), LIMIT, 20, 2)
    inline = nested("... { ", "} ", 1000, "__typename")
    yield Attack("deep_fragments", lambda n: query(f"query Q{n} {{ {inline} }}"), LIMIT, 20, 2)
    parts = "{ " + "... on User { boss { id } } " * 500 + "}"
    yield Attack("overlapping_inline", lambda n: query(f'query Q{n} {{ user(id: "1") {parts} }}'), LIMIT, 400, 20)
    chain = "boss { boss { boss { boss { id } } } } " * 300
    yield Attack("overlapping_nested", lambda n: query(f'query Q{n} {{ user(id: "1") {{ {chain} }} }}'), LIMIT, 400, 25)
    differing = " ".join(f"boss {{ x{i}: id }}" for i in range(99)) + " boss { id }" * 600
    yield Attack(
        "overlapping_aliases", lambda n: query(f'query Q{n} {{ user(id: "1") {{ {differing} }} }}'), LIMIT, 400, 25
    )
    many = " ".join(f"query O{i} {{ ...F }}" for i in range(600)) + " fragment F on Query { __typename }"
    yield Attack("many_operations", lambda n: query(f"{many} # {n}"), LIMIT, 100, 5)
    names = " ".join(f"$v{i}: Int" for i in range(1200))
    yield Attack("unused_variables", lambda n: query(f"query Q{n}({names}) {{ __typename }}"), INVALID, 180, 8)
    same = "$v: Int " * 1200
    yield Attack(
        "repeated_variables", lambda n: query(f"query Q{n}({same}) {{ search(number: $v) {{ id }} }}"), INVALID, 350, 8
    )
    used = "id boss { id }"
    uses = " ".join(f"query O{i}($v: Int) {{ ...F }}" for i in range(50))
    fragment = f"fragment F on Query {{ {f'search(number: $v) {{ {used} }} ' * 95} }}"
    yield Attack("operations_by_variables", lambda n: query(f"{uses} {fragment} # {n}"), LIMIT, 350, 15)
    yield Attack("list_amplification", amplification, COST, 20, 2, holds=lambda o: len(AMPLIFIED) <= 77)
    by_variable = "query Q($n: Int!) { users(first: $n) { friends(first: $n) { id } } }"
    yield Attack("amplified_by_variables", lambda n: query(by_variable, variables={"n": 1000 + n}), COST, 20, 2)


AMPLIFIED = "{users(first:50){friends(first:50){posts(first:50){id}}}}"


def amplification(n: int) -> Request:
    return query(AMPLIFIED.replace("50", str(50 + n)))


def _values() -> Iterator[Attack]:
    """Values: too deep, too many, too long."""
    by_in = "query Q($f: Filter) { search(filter: $f) { id } }"

    def given(value: str) -> Request:
        """The variable as JSON text, which json.dumps would not write."""
        return Request(('{"query": "' + by_in + '", "variables": {"f": ' + value + "}}").encode())

    yield Attack("deep_lists_in_variables", lambda n: given(nested("[", "]", 9000, "")), INPUT, 10, 2)
    yield Attack("lists_60_deep_in_variables", lambda n: given(nested("[", "]", 60, "")), LIMIT, 20, 2)
    objects = nested('{"not": ', "}", 50, "null")
    yield Attack("deep_objects_in_variables", lambda n: given(objects), LIMIT, 20, 2)
    yield Attack(
        "long_lists_in_variables", lambda n: query(by_in, variables={"f": {"in": [1] * 150_000}}), LIMIT, 30, 6
    )
    ten = lambda n: query(by_in, variables={"f": {"in": ["x"] * 9_900}})  # noqa: E731
    yield Attack("wrong_values_in_variables", ten, INPUT, 50, 5, holds=lambda o: len(o.answer["errors"]) <= 21)
    huge = lambda n: query("query Q($i: Int) { search(number: $i) { id } }", variables={"i": 1})  # noqa: E731
    digits = lambda n: Request(json.dumps(huge(n).body).replace('"i": 1', '"i": ' + "9" * 200_000).encode())  # noqa: E731
    yield Attack(
        "huge_int_in_variables", digits, None, 20, 3, holds=lambda o: o.status in (200, 400) and "data" not in o.answer
    )
    yield Attack(
        "huge_int", lambda n: query(f"query Q{n} {{ search(number: {'9' * 200_000}) {{ id }} }}"), INVALID, 100, 4
    )
    yield Attack(
        "huge_float", lambda n: query(f"query Q{n} {{ search(number: 1e{'9' * 100_000}) {{ id }} }}"), INVALID, 60, 3
    )
    yield Attack(
        "huge_string", lambda n: query(f'query Q{n} {{ search(number: "{"x" * 200_000}") {{ id }} }}'), INVALID, 170, 5
    )
    escapes = "\\u0041" * 40_000
    yield Attack(
        "unicode_escapes", lambda n: query(f'query Q{n} {{ search(number: "{escapes}") {{ id }} }}'), INVALID, 300, 16
    )
    yield Attack("surrogates", lambda n: query(f'query Q{n} {{ search(text: "\\uD800{n}") {{ id }} }}'), SYNTAX, 10, 1)
    block = '"""' + "\n    x" * 30_000 + '"""'
    yield Attack("block_string", lambda n: query(f"query Q{n} {{ search(number: {block}) {{ id }} }}"), INVALID, 220, 8)
    yield Attack("ignored_flood", lambda n: query(f"query Q{n} {{ __typename {',' * 200_000} }}"), None, 100, 2)
    yield Attack("comment_flood", lambda n: query(f"query Q{n} {{ __typename }}" + "#\n" * 100_000), LIMIT, 30, 2)
    yield Attack("long_text", lambda n: query(f"query Q{n} {{ __typename }} #" + "x" * 900_000), LIMIT, 20, 6)
    literal = nested("{not: ", "}", 190, "{name: 1}")
    yield Attack(
        "nested_input_objects", lambda n: query(f"query Q{n} {{ search(filter: {literal}) {{ id }} }}"), INVALID, 60, 3
    )
    deeper = nested("{not: ", "}", 2000, "{}")
    yield Attack(
        "deeper_input_objects", lambda n: query(f"query Q{n} {{ search(filter: {deeper}) {{ id }} }}"), LIMIT, 20, 2
    )
    literals = nested("[", "]", 4000, "")
    yield Attack(
        "deep_list_literal", lambda n: query(f"query Q{n} {{ search(ids: {literals}) {{ id }} }}"), LIMIT, 20, 2
    )
    broad = "[" + "{name: 1} " * 900 + "]"
    yield Attack(
        "wide_input_objects",
        lambda n: query(f"query Q{n} {{ search(filter: {{and: {broad}}}) {{ id }} }}"),
        INVALID,
        170,
        6,
    )


def _planning() -> Iterator[Attack]:
    """Operations that are valid, and hard to plan."""

    steps = "posts { author { boss { age homes { rooms neighbours { posts { title place { rooms } } age } } } } } "
    fans = " ".join(f"a{i}: boss {{ {steps} }}" for i in range(60))
    yield Attack(
        "hops_between_subgraphs",
        lambda n: query(f'query Q{n} {{ user(id: "1") {{ {fans} }} }}'),
        None,
        900,
        20,
        fetches=1,
    )
    mixed = "".join(
        f"fragment U{i} on User {{ age boss {{ ...U{i + 1} }} posts {{ title author {{ ...U{i + 1} }} }}"
        f" homes {{ rooms neighbours {{ ...U{i + 1} }} owner {{ ...U{i + 1} }} }} }} "
        for i in range(4)
    )
    last = "fragment U4 on User { id age }"
    text = lambda n: query(f'query Q{n} {{ user(id: "1") {{ ...U0 }} }} {mixed} {last}')  # noqa: E731
    yield Attack("fan_out_by_fragments", text, None, 1500, 60, fetches=1)
    by_type = "... on Bolt { bolt } ... on Nut { nut next { id } }"
    types = lambda n: query(f"query Q{n} {{ piece {nested(f'{{ {by_type} next ', '}', 10, '{ id }')} }}")  # noqa: E731
    yield Attack("types_below_types", types, LIMIT, 3000, 120)
    yield Attack("conditions_below_conditions", lambda n: conditions_below_conditions(n, 40), LIMIT, 400, 30)


def conditions_below_conditions(n: int, count: int) -> Request:
    """Fields of one name under many conditions, with the same below each."""
    names = [f"$v{i}" for i in range(count)]
    fields = " ".join(
        f"... @include(if: {name}) {{ boss {{ posts {{ title author @skip(if: {names[(i * 7 + 1) % count]})"
        " { age homes { rooms } } } } }"
        for i, name in enumerate(names)
    )
    variables = {name[1:]: True for name in names}
    declared = " ".join(f"{name}: Boolean!" for name in names)
    return query(f'query Q{n}({declared}) {{ user(id: "1") {{ {fields} }} }}', variables=variables)


def types_told_at_every_level(levels: int) -> Request:
    """Each object may be of three types, and so may each below it."""
    return query(f"{{ piece {nested('{ __typename next ', '}', levels, '{ id }')} }}")


def values_for_many_fields() -> Request:
    """One value of thousands of parts for a hundred fields: a variable is short wherever it stands."""
    fields = " ".join(f"a{i}: search(filter: $f) {{ id }}" for i in range(99))
    parts = {"in": [1] * 9_900}
    return query(f"query Q($f: Filter) {{ {fields} }}", variables={"f": parts})


AGAIN = {
    "types_told_at_every_level": (types_told_at_every_level(38), 150),
    "conditions_below_conditions": (conditions_below_conditions(0, 10), 1000),
    "values_for_many_fields": (values_for_many_fields(), 300),
}
"""What costs when it is asked again, and its program is written: the request, and most CPU milliseconds for each."""


def mute(outcome: Outcome) -> bool:
    return b"Did you mean" not in outcome.body and b"secret" not in outcome.body.lower()


def silent(outcome: Outcome) -> bool:
    return b"Traceback" not in outcome.body and b".py" not in outcome.body


def status(wanted: int) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.status == wanted


ATTACKS = (*_cop(), *_documents(), *_values(), *_planning())
