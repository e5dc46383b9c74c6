"""Join the subgraphs' types into one set of types, and note what does not fit together.

In: the subgraphs, each sound by itself. Out: `Merged`, with directives and types as the supergraph has them; who
resolves what is added by `joins.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.definitions import merge_definitions
from gateway.composition.merge.demands import carry_demands
from gateway.composition.merge.directives import Composed, merge_element
from gateway.composition.merge.enums import merge_enums
from gateway.composition.merge.executable import merge_executable
from gateway.composition.merge.fields import merge_fields
from gateway.composition.merge.inputs import merge_inputs
from gateway.composition.merge.joins import join_all
from gateway.composition.merged import Demands, Merged, MergedField, MergedType
from gateway.composition.problems import Report, joined, named_subgraphs
from gateway.composition.schema import BySubgraph, Kind, Type


def merge(subgraphs: BySubgraph, report: Report) -> Merged:
    """The supergraph's types; what does not fit goes to the report."""
    merged = Merged(subgraphs)
    _check_roots(merged, report)
    composed = merge_definitions(merged, report)
    merge_executable(merged, composed, report)
    for name in dict.fromkeys(name for subgraph in subgraphs.values() for name in subgraph.types):
        by = {graph: subgraph.types[name] for graph, subgraph in subgraphs.items() if name in subgraph.types}
        if _is_of_one_kind(merged, name, by, report):
            merged.types[name] = _merged_type(name, by, composed)
    for type_ in merged.types.values():
        merge_fields(merged, type_, composed, report)
        merge_inputs(merged, type_, composed, report)
    merge_enums(merged, composed, report)
    _add_interface_object_fields(merged)
    carry_demands(merged)
    join_all(merged)
    return merged


def _check_roots(merged: Merged, report: Report) -> None:
    if not any("query" in subgraph.roots for subgraph in merged.subgraphs.values()):
        report.problem("NO_QUERIES", "No subgraph has a query: a supergraph needs a type Query with fields.")


def _is_of_one_kind(merged: Merged, name: str, by: dict[str, Type], report: Report) -> bool:
    kinds: dict[Kind, list[str]] = {}
    for graph, type_ in by.items():
        kinds.setdefault(type_.kind, []).append(merged.name_of(graph))
    if len(kinds) == 1:
        return True
    told = joined([f"{kind} in {named_subgraphs(names)}" for kind, names in kinds.items()])
    message = f'Type "{name}" is of different kinds: {told}.'
    report.problem("TYPE_KIND_MISMATCH", message, *merged.places(by))
    return False


def _merged_type(name: str, by: dict[str, Type], composed: Composed) -> MergedType:
    merged = MergedType(name, kind=next(iter(by.values())).kind, by=by)
    merge_element(merged, list(by.values()), composed)
    for graph, type_ in by.items():
        for member in type_.members:
            merged.members.setdefault(member, []).append(graph)
        for interface in type_.interfaces:
            merged.interfaces.setdefault(interface, []).append(graph)
    return merged


def _add_interface_object_fields(merged: Merged) -> None:
    """What an interface object resolves, every implementation of the interface has."""
    for type_ in merged.types.values():
        if type_.kind is not Kind.OBJECT:
            continue
        for field in list(_interface_object_fields(merged, type_)):
            if field.name not in type_.fields:
                type_.fields[field.name] = field


def _interface_object_fields(merged: Merged, type_: MergedType) -> Iterator[MergedField]:
    for name in type_.interfaces:
        interface = merged.types.get(name)
        if interface is None or not interface.has_interface_object:
            continue
        for field in interface.fields.values():
            if any(interface.by[graph].is_interface_object for graph in field.by):
                yield MergedField(
                    name=field.name,
                    description=field.description,
                    directives=list(field.directives),
                    inaccessible=field.inaccessible,
                    demands=Demands(field.demands.authenticated, field.demands.scopes, field.demands.policies),
                    type=field.type,
                    by={},
                    arguments=field.arguments,
                    from_interface=True,
                )
