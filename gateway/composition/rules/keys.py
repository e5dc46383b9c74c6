"""@key: its field set is there, and may name an object."""

from __future__ import annotations

from graphql import ListValueNode, SelectionSetNode, StringValueNode, print_ast

from gateway.composition.federation_spec import number_of
from gateway.composition.field_sets import Fault, Faulty, parse_selections, printed, walk
from gateway.composition.problems import Place, Report
from gateway.composition.schema import Applied, Key, Kind, SubgraphSchema, Type, named


def check(schema: SubgraphSchema, report: Report) -> None:
    """Read the keys of every type."""
    for type_ in schema.types.values():
        for applied in type_.applied("key"):
            if type_.kind is Kind.INTERFACE and (1, 0) < number_of(schema.version) < (2, 3):
                message = f'[{schema.name}] Cannot use @key on interface "{type_.name}": link Federation v2.3 or later.'
                report.problem("KEY_UNSUPPORTED_ON_INTERFACE", message, schema.place(applied.node))
                continue
            key = _key(schema, type_, applied, report)
            if key is not None:
                type_.keys.append(key)
    if number_of(schema.version) > (1, 0):
        for type_ in schema.types.values():
            if type_.kind is Kind.INTERFACE:
                _check_implementations(schema, type_, report)


def _key(schema: SubgraphSchema, type_: Type, applied: Applied, report: Report) -> Key | None:
    node = applied.argument_node("fields")
    start = f'[{schema.name}] On type "{type_.name}", for @key(fields: {print_ast(node) if node else ""}):'
    place = schema.place(applied.node)
    if isinstance(node, ListValueNode) and schema.is_federation_1:
        text = " ".join(value.value for value in node.values if isinstance(value, StringValueNode))
    elif isinstance(node, StringValueNode):
        text = node.value
    else:
        report.problem("KEY_INVALID_FIELDS_TYPE", f"{start} the fields must be one string.", place)
        return None
    selections = parse_selections(text)
    if isinstance(selections, str):
        report.problem("KEY_INVALID_FIELDS", f"{start} {selections}", place)
        return None
    if not _is_sound(schema, type_, selections, start, place, report):
        return None
    return Key(printed(selections), selections, applied.argument("resolvable") is not False, applied)


def _is_sound(
    schema: SubgraphSchema, type_: Type, selections: SelectionSetNode, start: str, place: Place, report: Report
) -> bool:
    before = len(report.problems)
    for each in walk(schema, type_, selections):
        if isinstance(each, Faulty):
            is_known = each.subject in schema.directives
            code = "KEY_DIRECTIVE_IN_FIELDS_ARG" if each.fault is Fault.DIRECTIVE and is_known else "KEY_INVALID_FIELDS"
            report.problem(code, f"{start} {each}.", place)
            continue
        coordinate = f'"{each.parent.name}.{each.field.name}"'
        if each.field.arguments:
            message = f"{start} {coordinate} has arguments, and a key cannot give any."
            report.problem("KEY_FIELDS_HAS_ARGS", message, place)
        inner = schema.types.get(named(each.field.type))
        if inner is not None and inner.kind in (Kind.INTERFACE, Kind.UNION):
            message = f"{start} {coordinate} is of the {inner.kind} type {inner.name}, which cannot be part of a key."
            report.problem("KEY_FIELDS_SELECT_INVALID_TYPE", message, place)
        each.field.in_any_key = True
        each.field.key_member = each.field.key_member or each.parent is type_
        each.field.key_of_extension = each.field.key_of_extension or type_.is_extension
    return len(report.problems) == before


def _check_implementations(schema: SubgraphSchema, interface: Type, report: Report) -> None:
    """A key of an interface names an object of any implementation, so each must have it."""
    for key in interface.keys:
        for name in sorted(schema.possible(interface.name)):
            type_ = schema.types[name]
            given = {" ".join(str(applied.argument("fields")).split()) for applied in type_.applied("key")}
            if key.fields not in given | {each.fields for each in type_.keys}:
                message = (
                    f'[{schema.name}] The key "{key.fields}" of interface "{interface.name}" is missing on its '
                    f'implementation "{name}": add @key(fields: "{key.fields}") there.'
                )
                place = schema.place(type_.node)
                report.problem("INTERFACE_KEY_NOT_ON_IMPLEMENTATION", message, schema.place(key.applied.node), place)
