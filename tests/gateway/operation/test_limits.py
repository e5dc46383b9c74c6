"""Each limit by itself: what stands just at it is taken, and what is one more refused by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import parse

from gateway.errors import LimitExceeded
from gateway.operation.limits import FragmentCycle, check_document, check_text, check_variables
from gateway.settings import Limits

LOOSE = {
    "max_operation_bytes": 10**6,
    "max_tokens": 10**6,
    "max_directives": 10**6,
    "max_nesting": 10**6,
    "max_depth": 10**6,
    "max_fields": 10**6,
    "max_root_fields": 10**6,
    "max_aliases": 10**6,
    "max_fragments": 10**6,
    "max_operations": 10**6,
    "max_introspection_lists": 10**6,
}
A = "fragment A on Q { a { ...B ...B } } fragment B on Q { x: b c }"


def check(text: str, limits: Limits) -> None:
    check_text(text, limits)
    check_document(parse(text), limits)


@pytest.mark.parametrize(
    ("limit", "text", "size", "what"),
    [
        ("max_operation_bytes", "{a}#ä", 6, "bytes"),
        ("max_tokens", '{ a(x: "} @ {", y: -1.5e3) ...eF }', 13, "tokens"),
        ("max_tokens", '{ a(x: """ "" \\""" @ { """) }', 8, "tokens"),
        ("max_tokens", '{ a(x: "\\"") b }', 9, "tokens"),
        ("max_tokens", "{ a # } @ b\n b }", 5, "tokens"),
        ("max_directives", 'query @a { b @c(d: "@e") ... @f { g } }', 3, "directives"),
        ("max_nesting", "{ a(b: [[{c: 1}]]) { d } }", 5, "levels of nesting"),
        ("max_depth", "{ a { b { c } } }", 3, "levels of fields"),
        ("max_depth", f"{{ ...A }} {A}", 2, "levels of fields"),
        ("max_depth", "{ ... { ... { a } } }", 1, "levels of fields"),
        ("max_fields", f"{{ ...A ...A }} {A}", 10, "fields"),
        ("max_root_fields", f"{{ ...A ...A x {{ y z }} }} {A}", 3, "fields at its root"),
        ("max_aliases", f"{{ ...A ...A y: z }} {A}", 5, "aliases"),
        ("max_aliases", "query ($a: Int) { b(c: $a, d: {e: 1}) f: g }", 1, "aliases"),
        ("max_fragments", f"{{ ...A }} {A}", 2, "fragments"),
        ("max_operations", "query A { a } query B { b } { c }", 3, "operations in one document"),
        (
            "max_introspection_lists",
            "{ __schema { types { fields { type { fields { name } } } } } }",
            2,
            "lists of types",
        ),
        (
            "max_introspection_lists",
            '{ __type(name: "A") { ...T } }'
            " fragment T on __Type { interfaces { possibleTypes { inputFields { name } } } }",
            3,
            "lists of types",
        ),
    ],
)
def test_a_limit_is_what_may_just_be(limit: str, text: str, size: int, what: str) -> None:
    check(text, Limits(**{**LOOSE, limit: size}))
    with pytest.raises(LimitExceeded, match=f"more than {size - 1} {what}"):
        check(text, Limits(**{**LOOSE, limit: size - 1}))


def test_fields_of_ones_own_are_no_introspection() -> None:
    check("{ fields { fields { interfaces { name } } } }", Limits(**{**LOOSE, "max_introspection_lists": 1}))


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Q { a { ...A } }",
        "{ ...A } fragment A on Q { ...B } fragment B on Q { c { ...A } }",
        "{ a } fragment A on Q { ...A }",
    ],
)
def test_a_cycle_of_fragments_is_named(text: str) -> None:
    with pytest.raises(FragmentCycle, match="Cannot spread fragment 'A' within itself"):
        check(text, Limits(**LOOSE))


@pytest.mark.parametrize(
    ("limit", "variables", "size", "what"),
    [
        ("max_variables_bytes", {"a": "xyz"}, 11, "bytes of variables"),
        ("max_variables_depth", {"a": [[[1]]]}, 4, "levels in its variables"),
        ("max_variables_depth", {"a": {"b": [{"c": 1}]}}, 4, "levels in its variables"),
        ("max_variable_values", {"a": [1, 2, {"b": 3}]}, 5, "values in its variables"),
    ],
)
def test_variables_have_limits_too(limit: str, variables: Mapping[str, Any], size: int, what: str) -> None:
    check_variables(variables, Limits(**{limit: size}))
    with pytest.raises(LimitExceeded, match=f"more than {size - 1} {what}"):
        check_variables(variables, Limits(**{limit: size - 1}))


def test_texts_may_hold_what_looks_like_many_values() -> None:
    check_variables({"a": "[[[{{{,,,,,,"}, Limits(max_variables_depth=1, max_variable_values=1))


def test_files_among_variables_are_no_concern_of_these_limits() -> None:
    check_variables({"file": object()}, Limits())
