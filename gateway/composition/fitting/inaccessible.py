"""What clients see must stand without what they do not see."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.composition.merged import Merged, MergedElement, MergedField, MergedInput, MergedType
from gateway.composition.problems import Report
from gateway.composition.schema import ROOTS, Kind, coordinate, named


def check(merged: Merged, report: Report) -> None:
    """Look at everything that clients see."""
    for type_ in merged.types.values():
        if type_.inaccessible:
            if type_.name == ROOTS["query"]:
                message = f"Clients would see no query at all: the type Query {type_.how_hidden}."
                report.problem("QUERY_ROOT_TYPE_INACCESSIBLE", message, *merged.places(type_.by))
            continue
        _check_children(merged, type_, report)
        for field in type_.fields.values():
            if not field.inaccessible:
                _check_field(merged, type_, field, report)
            else:
                _check_implemented(merged, type_, field, report)
        for each in type_.inputs.values():
            _check_input(merged, each, coordinate(type_.name, each.name), "input field of its type", report)


def _check_children(merged: Merged, type_: MergedType, report: Report) -> None:
    children: list[MergedElement] = [
        *(each for each in type_.fields.values()),
        *(each for each in type_.inputs.values() if each.is_kept),
        *(each for each in type_.values.values() if each.is_kept),
        *(merged.types[name] for name in type_.members if name in merged.types),
    ]
    if children and all(child.inaccessible for child in children):
        what = {Kind.ENUM: "values", Kind.UNION: "members"}.get(type_.kind, "fields")
        message = f'Clients see type "{type_.name}", but all of its {what} are {_how(children)}: hide the type too.'
        report.problem("ONLY_INACCESSIBLE_CHILDREN", message, *merged.places(type_.by))


def _how(hidden: Sequence[MergedElement]) -> str:
    ways = {"hidden by the contract" if each.by_contract else "@inaccessible" for each in hidden}
    return " or ".join(sorted(ways))


def _check_field(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> None:
    _check_reference(merged, field.type, coordinate(type_.name, field.name), report)
    for argument in field.arguments.values():
        if argument.is_kept and not argument.is_contextual:
            at = coordinate(type_.name, field.name, argument.name)
            _check_input(merged, argument, at, "argument of its field", report)


def _check_input(merged: Merged, each: MergedInput, at: str, what: str, report: Report) -> None:
    if each.inaccessible:
        if each.is_required:
            message = f'"{at}" {each.how_hidden}, but is a required {what}.'
            report.problem("REQUIRED_INACCESSIBLE", message, *merged.places(each.by))
        return
    _check_reference(merged, each.type, at, report)


def _check_reference(merged: Merged, type_text: str, at: str, report: Report) -> None:
    found = merged.types.get(named(type_text))
    if found is not None and found.inaccessible:
        message = f'Type "{found.name}" {found.how_hidden}, but "{at}", which clients see, is of that type.'
        report.problem("REFERENCED_INACCESSIBLE", message, *merged.places(found.by))


def _check_implemented(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> None:
    for name in type_.interfaces:
        interface = merged.types.get(name)
        if interface is None or interface.inaccessible or field.name not in interface.fields:
            continue
        if not interface.fields[field.name].inaccessible:
            message = (
                f'"{type_.name}.{field.name}" {field.how_hidden}, but implements "{name}.{field.name}", which '
                f"clients see."
            )
            report.problem("IMPLEMENTED_BY_INACCESSIBLE", message, *merged.places(field.by))
