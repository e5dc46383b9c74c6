"""Default values that clients see must be values of the supergraph.

A subgraph's default fits its own types; merged, an enum or an input may have less, or clients may see less of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import EnumValueNode, ListValueNode, NullValueNode, ObjectValueNode, ValueNode, print_ast

from gateway.composition.merged import Merged, MergedElement, MergedInput, MergedType
from gateway.composition.problems import Report
from gateway.composition.schema import Kind, coordinate, named


def check(merged: Merged, report: Report) -> None:
    """Look at every default that clients see."""
    for made in merged.executable.values():
        for argument in made.arguments.values():
            _check_one(merged, argument, f"@{made.name}({argument.name}:)", "FIELD_ARGUMENT_DEFAULT_MISMATCH", report)
    for type_ in merged.types.values():
        if type_.inaccessible:
            continue
        for field in type_.fields.values():
            for argument in field.arguments.values():
                if not field.inaccessible and not argument.is_contextual:
                    at = coordinate(type_.name, field.name, argument.name)
                    _check_one(merged, argument, at, "FIELD_ARGUMENT_DEFAULT_MISMATCH", report)
        for each in type_.inputs.values():
            _check_one(merged, each, coordinate(type_.name, each.name), "INPUT_FIELD_DEFAULT_MISMATCH", report)


def _check_one(merged: Merged, each: MergedInput, at: str, code: str, report: Report) -> None:
    if each.default is None or each.inaccessible or not each.is_kept:
        return
    for fault in _faults(merged, each.default, each.type):
        if isinstance(fault, str):
            message = f'The default value {print_ast(each.default)} of "{at}" is none in the supergraph: {fault}.'
            report.problem(code, message, *merged.places(each.by))
        else:
            name, hidden = fault
            message = f'"{name}" {hidden.how_hidden}, but is in the default value of "{at}", which clients see.'
            report.problem("DEFAULT_VALUE_USES_INACCESSIBLE", message, *merged.places(each.by))


def _faults(merged: Merged, value: ValueNode, text: str) -> Iterator[str | tuple[str, MergedElement]]:
    """Why the value is none of the type's; or what it uses that is hidden, and its name."""
    if isinstance(value, NullValueNode):
        if text.endswith("!"):
            yield f"it may not be null, as its type is {text}"
        return
    text = text.removesuffix("!")
    if text.startswith("["):
        for inner in value.values if isinstance(value, ListValueNode) else (value,):
            yield from _faults(merged, inner, text[1:-1])
        return
    type_ = merged.types.get(named(text))
    if type_ is not None and type_.kind is Kind.ENUM and isinstance(value, EnumValueNode):
        yield from _of_enum(type_, value)
    elif type_ is not None and type_.kind is Kind.INPUT and isinstance(value, ObjectValueNode):
        yield from _of_input(merged, type_, value)


def _of_enum(type_: MergedType, value: EnumValueNode) -> Iterator[str | tuple[str, MergedElement]]:
    found = type_.values.get(value.value)
    if found is None or not found.is_kept:
        yield f'not every subgraph has "{type_.name}.{value.value}"'
    elif type_.inaccessible or found.inaccessible:
        yield f"{type_.name}.{value.value}", (found if found.inaccessible else type_)


def _of_input(merged: Merged, type_: MergedType, value: ObjectValueNode) -> Iterator[str | tuple[str, MergedElement]]:
    given = {field.name.value: field.value for field in value.fields}
    for name, inner in given.items():
        field = type_.inputs.get(name)
        if field is None or not field.is_kept:
            yield f'not every subgraph has "{type_.name}.{name}"'
        elif field.inaccessible:
            yield f"{type_.name}.{name}", field
        else:
            yield from _faults(merged, inner, field.type)
    for name, field in type_.inputs.items():
        if field.is_required and field.is_kept and name not in given:
            yield f'it lacks "{type_.name}.{name}", which is required'
