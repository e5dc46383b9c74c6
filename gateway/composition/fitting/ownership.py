"""Somebody has to resolve it: extensions have a base, externals an owner, overrides one taker."""

from __future__ import annotations

from gateway.composition.merge.fields import is_external
from gateway.composition.merged import Merged, MergedField, MergedType
from gateway.composition.problems import Report, named_subgraphs
from gateway.composition.schema import ROOTS, Kind


def check(merged: Merged, report: Report) -> None:
    """Look at every object type."""
    for type_ in merged.types.values():
        if type_.kind is not Kind.OBJECT:
            continue
        _check_base(merged, type_, report)
        for field in type_.fields.values():
            if not field.from_interface:
                _check_external(merged, type_, field, report)
                _check_override(merged, type_, field, report)


def _check_base(merged: Merged, type_: MergedType, report: Report) -> None:
    if type_.name in ROOTS.values() or any(each.has_definition for each in type_.by.values()):
        return
    if len(type_.by) > 1 and all(
        each.has("extends") and merged.schema(graph).is_federation_1 for graph, each in type_.by.items()
    ):
        return
    names = named_subgraphs(map(merged.name_of, type_.by))
    message = f'Type "{type_.name}" is extended in {names}, and no subgraph defines it.'
    report.problem("EXTENSION_WITH_NO_BASE", message, *merged.places(type_.by))


def _check_external(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> None:
    if not all(is_external(each) for each in field.by.values()):
        return
    if any(_interface_object_has(merged, name, field.name) for name in type_.interfaces):
        return
    names = named_subgraphs(map(merged.name_of, field.by))
    message = f'"{type_.name}.{field.name}" is marked @external in all that have it ({names}): nobody resolves it.'
    report.problem("EXTERNAL_MISSING_ON_BASE", message, *merged.places(field.by))


def _interface_object_has(merged: Merged, interface: str, field: str) -> bool:
    found = merged.types.get(interface)
    if found is None or field not in found.fields:
        return False
    declared = found.fields[field].by
    return any(found.by[graph].is_interface_object and not each.external for graph, each in declared.items())


def _check_override(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> None:
    at = f"{type_.name}.{field.name}"
    for graph, each in field.by.items():
        source = merged.graph_named(each.override) if each.override else None
        if source is None or source not in field.by or source == graph:
            continue
        theirs = field.by[source]
        if theirs.override:
            message = (
                f'"{at}" is overridden by {named_subgraphs([merged.name_of(graph)])} and is itself an override in '
                f'"{each.override}": a field may be overridden once.'
            )
            report.problem("OVERRIDE_SOURCE_HAS_OVERRIDE", message, *merged.places(field.by))
        if each.override_label and theirs.requires:
            message = (
                f'"{at}" cannot be taken over by label from "{each.override}", where it has a @requires: take it '
                f"over at "
                f"once."
            )
            report.problem("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message, *merged.places(field.by))
