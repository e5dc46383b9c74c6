"""@provides: what this path gives that its subgraph does not resolve elsewhere."""

from __future__ import annotations

from graphql import SelectionSetNode, StringValueNode, print_ast

from gateway.composition.field_sets import Fault, Faulty, Selected, is_leaf, parse_selections, printed, walk
from gateway.composition.problems import Place, Report
from gateway.composition.schema import Applied, Field, Kind, SubgraphSchema, Type, named


def check(schema: SubgraphSchema, report: Report) -> None:
    """Read every @provides."""
    for type_ in schema.types.values():
        for field in type_.fields.values():
            for applied in field.applied("provides"):
                _check_one(schema, type_, field, applied, report)


def _check_one(schema: SubgraphSchema, type_: Type, field: Field, applied: Applied, report: Report) -> None:
    place = schema.place(applied.node)
    coordinate = f"{type_.name}.{field.name}"
    target = schema.types.get(named(field.type))
    if target is None or not target.is_composite:
        message = f'[{schema.name}] @provides on "{coordinate}" provides nothing: its type {field.type} has no fields.'
        report.problem("PROVIDES_ON_NON_OBJECT_FIELD", message, place)
        return
    if type_.kind is Kind.INTERFACE and not type_.is_interface_object:
        if not schema.is_federation_1:
            message = f'[{schema.name}] Cannot use @provides on "{coordinate}": it is a field of an interface.'
            report.problem("PROVIDES_UNSUPPORTED_ON_INTERFACE", message, place)
        return
    node = applied.argument_node("fields")
    start = f'[{schema.name}] On field "{coordinate}", for @provides(fields: {print_ast(node) if node else ""}):'
    if not isinstance(node, StringValueNode):
        report.problem("PROVIDES_INVALID_FIELDS_TYPE", f"{start} the fields must be one string.", place)
        return
    selections = parse_selections(node.value)
    if isinstance(selections, str):
        report.problem("PROVIDES_INVALID_FIELDS", f"{start} {selections}", place)
        return
    if _is_sound(schema, target, selections, start, place, report):
        field.provides = printed(selections)


def _is_sound(
    schema: SubgraphSchema, target: Type, selections: SelectionSetNode, start: str, place: Place, report: Report
) -> bool:
    before = len(report.problems)
    for each in walk(schema, target, selections):
        if isinstance(each, Faulty):
            is_known = each.subject in schema.directives
            is_directive = each.fault is Fault.DIRECTIVE and is_known
            code = "PROVIDES_DIRECTIVE_IN_FIELDS_ARG" if is_directive else "PROVIDES_INVALID_FIELDS"
            report.problem(code, f"{start} {each}.", place)
            continue
        each.field.provided = True
        coordinate = f'"{each.parent.name}.{each.field.name}"'
        if each.field.arguments:
            message = f"{start} {coordinate} has arguments, and @provides cannot give any."
            report.problem("PROVIDES_FIELDS_HAS_ARGS", message, place)
            continue
        if not schema.is_federation_1 and _is_own(schema, each):
            message = (
                f"{start} {coordinate} is resolved by this subgraph wherever it is asked (it is not marked "
                f"@external, or "
                f"it is a key of a type extension): take it out of the @provides."
            )
            report.problem("PROVIDES_FIELDS_MISSING_EXTERNAL", message, place, schema.place(each.field.node))
    return len(report.problems) == before


def _is_own(schema: SubgraphSchema, each: Selected) -> bool:
    if not is_leaf(schema, each.field):
        return False
    if each.parent.kind is Kind.INTERFACE:
        implementing = [schema.types[name].fields.get(each.field.name) for name in schema.possible(each.parent.name)]
        return each.depth == 0 and not any(field is not None and field.external for field in implementing)
    if not each.field.external:
        return each.depth == 0
    return each.field.key_of_extension
