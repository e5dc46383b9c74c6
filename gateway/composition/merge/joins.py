"""Who resolves what: the join directives of the supergraph. https://specs.apollo.dev/join/v0.5

In: merged types. Out: `join__type`, `join__implements`, `join__unionMember` and `join__field` on each. A field without
a `join__field` is resolved by every subgraph that has its type.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import ConstDirectiveNode

from gateway.composition.merge.fields import is_external
from gateway.composition.merged import Merged, MergedField, MergedType
from gateway.composition.nodes import Constant, EnumName, directive
from gateway.composition.rules.contexts import reference_of
from gateway.composition.schema import ROOTS, Field, Kind, Type


def join_all(merged: Merged) -> None:
    """Write all join directives."""
    for type_ in merged.types.values():
        _forget_empty_extensions(type_)
        type_.joins = [*_join_types(merged, type_), *_join_members(type_)]
        for field in type_.fields.values():
            field.joins = _join_fields(merged, type_, field)


def _forget_empty_extensions(type_: MergedType) -> None:
    """An extension of which only unused externals were left says nothing."""
    for graph, declared in list(type_.by.items()):
        is_nothing = not declared.fields and not declared.keys and declared.is_extension
        if type_.kind is Kind.OBJECT and is_nothing and len(type_.by) > 1:
            del type_.by[graph]
    for graphs in type_.interfaces.values():
        graphs[:] = [graph for graph in graphs if graph in type_.by]


def _join_types(merged: Merged, type_: MergedType) -> Iterator[ConstDirectiveNode]:
    graphs = merged.subgraphs if type_.name == ROOTS["query"] else type_.by
    for graph in graphs:
        declared = type_.by.get(graph)
        keys = declared.keys if declared is not None else []
        if declared is not None and type_.kind is Kind.INTERFACE and merged.schema(graph).is_federation_1:
            keys = []
        marks = _marks(declared)
        for key in keys:
            extension = True if declared is not None and declared.is_extension else None
            resolvable = None if key.resolvable else False
            yield directive(
                "join__type",
                graph=EnumName(graph),
                key=key.fields,
                extension=extension,
                resolvable=resolvable,
                **marks,
            )
        if not keys:
            yield directive("join__type", graph=EnumName(graph), **marks)


def _marks(declared: Type | None) -> dict[str, Constant | None]:
    return {"isInterfaceObject": True} if declared is not None and declared.is_interface_object else {}


def _join_members(type_: MergedType) -> Iterator[ConstDirectiveNode]:
    for graph in type_.by:
        for interface, graphs in type_.interfaces.items():
            if graph in graphs:
                yield directive("join__implements", graph=EnumName(graph), interface=interface)
        for member, graphs in type_.members.items():
            if graph in graphs:
                yield directive("join__unionMember", graph=EnumName(graph), member=member)


def _join_fields(merged: Merged, type_: MergedType, field: MergedField) -> list[ConstDirectiveNode]:
    if field.from_interface:
        return [directive("join__field")]
    labels = override_labels(merged, field)
    overridden = {merged.graph_named(each.override) for each in field.by.values() if each.override}
    found: list[ConstDirectiveNode] = []
    is_plain = len(field.by) == (len(merged.subgraphs) if type_.name == ROOTS["query"] else len(type_.by))
    for graph, each in field.by.items():
        is_used = graph in overridden and _is_used(merged, type_, field, graph)
        if graph in overridden and graph not in labels and not is_used and not each.override:
            is_plain = False
            continue
        said: dict[str, Constant | None] = {
            "type": each.type if each.type != field.type else None,
            "requires": each.requires,
            "provides": each.provides,
            "external": True if _is_marked_external(each) else None,
            "override": each.override,
            "overrideLabel": labels.get(graph),
            "usedOverridden": True if is_used and graph not in labels and not each.external else None,
            "contextArguments": _context_arguments(merged, graph, each) or None,
        }
        is_plain = is_plain and all(value is None for value in said.values())
        found.append(directive("join__field", graph=EnumName(graph), **said))
    return [] if is_plain else found


def _is_marked_external(field: Field) -> bool:
    return field.external and (field.provided or is_external(field))


def override_labels(merged: Merged, field: MergedField) -> dict[str, str]:
    """For a field that is taken over by label: the label, by both graphs."""
    found: dict[str, str] = {}
    for graph, each in field.by.items():
        source = merged.graph_named(each.override) if each.override else None
        if source in field.by and each.override_label:
            found[graph] = found[source] = each.override_label
    return found


def _is_used(merged: Merged, type_: MergedType, field: MergedField, graph: str) -> bool:
    """Whether the subgraph that lost the field still needs to declare it: for a key, a @requires or an interface."""
    each = field.by[graph]
    if each.in_any_key or each.required:
        return True
    declared = merged.schema(graph).types
    return any(field.name in declared[name].fields for name in type_.interfaces if name in declared)


def _context_arguments(merged: Merged, graph: str, field: Field) -> list[Constant]:
    found: list[Constant] = []
    for argument in field.arguments.values():
        reference = reference_of(argument)
        if reference is not None:
            found.append(
                {
                    "context": f"{merged.name_of(graph)}__{reference.context}",
                    "name": argument.name,
                    "type": argument.type,
                    "selection": reference.selection,
                }
            )
    return found
