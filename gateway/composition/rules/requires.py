"""@requires: what it asks for is declared here and resolved elsewhere."""

from __future__ import annotations

from graphql import EnumValueNode, StringValueNode, print_ast

from gateway.composition.field_sets import Fault, Faulty, argument_faults, is_leaf, parse_selections, printed, walk
from gateway.composition.problems import Report
from gateway.composition.schema import Applied, Field, Kind, SubgraphSchema, Type


def check(schema: SubgraphSchema, report: Report) -> None:
    """Read every @requires."""
    for type_ in schema.types.values():
        for field in type_.fields.values():
            for applied in field.applied("requires"):
                _check_one(schema, type_, field, applied, report)


def _check_one(schema: SubgraphSchema, type_: Type, field: Field, applied: Applied, report: Report) -> None:
    place = schema.place(applied.node)
    coordinate = f"{type_.name}.{field.name}"
    if type_.kind is Kind.INTERFACE and not type_.is_interface_object:
        if not schema.is_federation_1:
            message = f'[{schema.name}] Cannot use @requires on "{coordinate}": it is a field of an interface.'
            report.problem("REQUIRES_UNSUPPORTED_ON_INTERFACE", message, place)
        return
    node = applied.argument_node("fields")
    start = f'[{schema.name}] On field "{coordinate}", for @requires(fields: {print_ast(node) if node else ""}):'
    if not isinstance(node, StringValueNode | EnumValueNode):
        report.problem("REQUIRES_INVALID_FIELDS_TYPE", f"{start} the fields must be one string.", place)
        return
    selections = parse_selections(node.value)
    if isinstance(selections, str):
        report.problem("REQUIRES_INVALID_FIELDS", f"{start} {selections}", place)
        return
    before = len(report.problems)
    for each in walk(schema, type_, selections):
        if isinstance(each, Faulty):
            is_known = each.subject in schema.directives
            is_directive = each.fault is Fault.DIRECTIVE and is_known
            code = "REQUIRES_DIRECTIVE_IN_FIELDS_ARG" if is_directive else "REQUIRES_INVALID_FIELDS"
            report.problem(code, f"{start} {each}.", place)
            continue
        each.field.required = True
        own = each.depth == 0 and is_leaf(schema, each.field) and not each.field.external
        if own and not schema.is_federation_1:
            message = (
                f'{start} "{each.parent.name}.{each.field.name}" is resolved by this subgraph itself (it is not marked '
                f"@external): take it out of the @requires."
            )
            report.problem("REQUIRES_FIELDS_MISSING_EXTERNAL", message, place, schema.place(each.field.node))
    for fault in argument_faults(schema, type_, selections):
        report.problem("REQUIRES_INVALID_FIELDS", f"{start} {fault}.", place)
    if len(report.problems) == before:
        field.requires = printed(selections)
