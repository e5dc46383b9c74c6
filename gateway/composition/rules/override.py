"""@override: the field is taken over from another subgraph, at once or by label."""

from __future__ import annotations

import re

from graphql import StringValueNode, ValueNode, print_ast

from gateway.composition.federation_spec import number_of
from gateway.composition.problems import Report
from gateway.composition.schema import Applied, Field, Kind, SubgraphSchema, Type

_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*")
_PERCENT = re.compile(r"percent\((\d{1,2}(\.\d{1,8})?|100(\.0{1,8})?)\)")


def check(schema: SubgraphSchema, report: Report) -> None:
    """Look at every @override."""
    for type_ in schema.types.values():
        for field in type_.fields.values():
            for applied in field.applied("override"):
                _check_one(schema, type_, field, applied, report)


def _check_one(schema: SubgraphSchema, type_: Type, field: Field, applied: Applied, report: Report) -> None:
    coordinate, place = f"{type_.name}.{field.name}", schema.place(applied.node)
    if type_.kind is Kind.INTERFACE and not type_.is_interface_object:
        if number_of(schema.version) >= (2, 3):
            message = f'[{schema.name}] @override cannot be used on "{coordinate}": it is a field of an interface.'
            report.problem("OVERRIDE_ON_INTERFACE", message, place)
        return
    label = applied.argument_node("label")
    if label is not None and number_of(schema.version) >= (2, 7) and not is_label(label):
        message = (
            f'[{schema.name}] The label {print_ast(label)} of @override on "{coordinate}" is not valid: a label is '
            f'"percent(x)", x from 0 to 100, or begins with a letter and has only letters, digits and _ - : . / '
            f"after it."
        )
        report.problem("OVERRIDE_LABEL_INVALID", message, place)
        return
    if field.external:
        message = f'[{schema.name}] "{coordinate}" cannot be both @override and @external.'
        report.problem("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message, place)
    if field.override == schema.name:
        message = f'[{schema.name}] "{coordinate}" overrides itself: @override names the subgraph to take it from.'
        report.problem("OVERRIDE_FROM_SELF_ERROR", message, place)


def is_label(node: ValueNode) -> bool:
    """Whether @override may have this label."""
    if not isinstance(node, StringValueNode):
        return False
    return bool(_PERCENT.fullmatch(node.value) or _LABEL.fullmatch(node.value))
