"""What composes, and may not be meant: noted once all is merged.

In: `Merged`. Out: hints in the report. Those about one field or argument are noted where it is merged.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.composition.merged import Merged, MergedElement, MergedField, MergedType
from gateway.composition.problems import Report, named_subgraphs
from gateway.composition.schema import Element, Kind


def add_hints(merged: Merged, report: Report) -> None:
    """Look at every type."""
    for type_ in merged.types.values():
        _descriptions(merged, type_, type_.by, type_.name, report)
        for field in type_.fields.values():
            _descriptions(merged, field, field.by, f"{type_.name}.{field.name}", report)
            _overrides(merged, type_, field, report)
        if type_.kind is Kind.UNION:
            _members(merged, type_, report)
        elif type_.kind is Kind.OBJECT and not type_.is_entity and len(type_.by) > 1:
            _value_type(merged, type_, report)
        elif type_.kind is Kind.OBJECT and type_.is_entity:
            _entity(merged, type_, report)


def _descriptions(merged: Merged, element: MergedElement, by: Mapping[str, Element], at: str, report: Report) -> None:
    given = {each.description for each in by.values() if each.description}
    if len(given) > 1:
        message = f'"{at}" is described in {len(given)} ways; the supergraph has the first.'
        report.hint("INCONSISTENT_DESCRIPTION", message, *merged.places(by))


def _overrides(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> None:
    for graph, each in field.by.items():
        if not each.override:
            continue
        at, place = f"{type_.name}.{field.name}", merged.schema(graph).place(each.node)
        source = merged.graph_named(each.override)
        if source is None:
            message = f'"{at}" overrides the subgraph "{each.override}", which does not exist.'
            report.hint("FROM_SUBGRAPH_DOES_NOT_EXIST", message, place)
        elif source not in field.by:
            message = f'"{each.override}" no longer has "{at}": its @override can be removed.'
            report.hint("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", message, place)
        elif not each.override_label:
            message = f'"{at}" is taken over by "{merged.name_of(graph)}": it can be removed from "{each.override}".'
            report.hint("OVERRIDDEN_FIELD_CAN_BE_REMOVED", message, merged.schema(source).place(field.by[source].node))


def _members(merged: Merged, type_: MergedType, report: Report) -> None:
    for member, graphs in type_.members.items():
        if len(graphs) < len(type_.by):
            names = named_subgraphs(merged.name_of(graph) for graph in type_.by if graph not in graphs)
            message = f'Union "{type_.name}" has no member "{member}" in {names}.'
            report.hint("INCONSISTENT_UNION_MEMBER", message, *merged.places(type_.by))


def _value_type(merged: Merged, type_: MergedType, report: Report) -> None:
    for field in type_.fields.values():
        missing = [graph for graph in type_.by if graph not in field.by]
        if missing and not field.from_interface and type_.name not in ("Query", "Mutation", "Subscription"):
            names = named_subgraphs(map(merged.name_of, missing))
            message = f'"{type_.name}.{field.name}" is not declared in {names}, and "{type_.name}" is no entity.'
            report.hint("INCONSISTENT_OBJECT_VALUE_TYPE_FIELD", message, *merged.places(field.by))


def _entity(merged: Merged, type_: MergedType, report: Report) -> None:
    without = [graph for graph, declared in type_.by.items() if not declared.keys]
    if without:
        names = named_subgraphs(map(merged.name_of, without))
        message = f'"{type_.name}" is an entity, but has no @key in {names}.'
        report.hint("INCONSISTENT_ENTITY", message, *merged.places(type_.by))
