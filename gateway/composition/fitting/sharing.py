"""INVALID_FIELD_SHARING: a field that several subgraphs resolve is one that all of them agree to share."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merged import Merged, MergedField, MergedType
from gateway.composition.problems import Report, joined, named_subgraphs
from gateway.composition.schema import ROOTS, Field, Kind


def check(merged: Merged, report: Report) -> None:
    """Look at every field that something is resolved by."""
    for type_ in merged.types.values():
        for field in type_.fields.values():
            if field.from_interface:
                continue
            if type_.kind is Kind.OBJECT:
                _check_field(merged, type_, field, report)
            elif type_.has_interface_object:
                own = {g: each for g, each in field.by.items() if type_.by[g].is_interface_object}
                _refuse_unshared(merged, f"{type_.name}.{field.name}", _resolving(merged, field, own), {}, report)


def _check_field(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> None:
    at = f"{type_.name}.{field.name}"
    if type_.name == ROOTS["subscription"]:
        if len(field.by) > 1:
            message = f'"{at}" is in {named_subgraphs(map(merged.name_of, field.by))}: subscriptions cannot be shared.'
            report.problem("INVALID_FIELD_SHARING", message, *merged.places(field.by))
        return
    resolving = _resolving(merged, field, field.by)
    if all(_is_shareable(each) for each in resolving.values()):
        return
    through: dict[str, str] = {}
    for graph, interface, each in _interface_objects(merged, type_, field):
        if graph not in resolving and graph in _resolving(merged, field, {graph: each}):
            resolving[graph], through[graph] = each, interface
    _refuse_unshared(merged, at, resolving, through, report)


def _resolving(merged: Merged, field: MergedField, by: dict[str, Field]) -> dict[str, Field]:
    """Those that resolve the field: not external but on ways that provide it, and not overridden. By label, the two
    sides count as one.
    """
    gone: set[str | None] = set()
    for graph, each in field.by.items():
        source = merged.graph_named(each.override) if each.override else None
        if source in field.by:
            gone.add(graph if each.override_label else source)
    return {graph: each for graph, each in by.items() if _gives(each) and graph not in gone}


def _gives(field: Field) -> bool:
    return not field.external or (field.provided and not field.key_of_extension)


def _is_shareable(field: Field) -> bool:
    return field.shareable or field.in_any_key or (field.external and field.provided)


def _interface_objects(merged: Merged, type_: MergedType, field: MergedField) -> Iterator[tuple[str, str, Field]]:
    for name in type_.interfaces:
        interface = merged.types.get(name)
        if interface is None or field.name not in interface.fields:
            continue
        declared = interface.fields[field.name].by
        if any(each.key_member for each in declared.values()):
            continue
        for graph, each in declared.items():
            if interface.by[graph].is_interface_object:
                yield graph, name, each


def _refuse_unshared(
    merged: Merged, at: str, resolving: dict[str, Field], through: dict[str, str], report: Report
) -> None:
    unshared = [graph for graph, each in resolving.items() if not _is_shareable(each)]
    if not unshared or len(resolving) < 2:
        return
    ways = {graph: f" (by its interface object {interface})" for graph, interface in through.items()}
    ways |= {graph: " (by @provides)" for graph, each in resolving.items() if each.external}
    told = [f'"{merged.name_of(graph)}"{ways.get(graph, "")}' for graph in resolving]
    who = (
        "none of them"
        if len(unshared) == len(resolving)
        else f"not in {named_subgraphs(map(merged.name_of, unshared))}"
    )
    message = (
        f'"{at}" is resolved by subgraphs {joined(told)}, and marked @shareable {_in(who)}: mark it in all of them.'
    )
    report.problem("INVALID_FIELD_SHARING", message, *merged.places(resolving))


def _in(who: str) -> str:
    return f"in {who}" if who == "none of them" else f"({who})"
