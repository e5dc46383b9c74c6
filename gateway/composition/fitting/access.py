"""MISSING_TRANSITIVE_AUTH_REQUIREMENTS: who may see a field may see what it is made from.

A field with @requires, or with an argument from a context, is computed from other fields; it must demand at least what
they and their types demand, or a caller could read them through it.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.field_sets import parse_selections
from gateway.composition.merge.demands import add, both
from gateway.composition.merged import Demands, Merged, MergedField, MergedType
from gateway.composition.problems import Report
from gateway.composition.rules.contexts import reference_of
from gateway.composition.schema import Kind, named


def check(merged: Merged, report: Report) -> None:
    """Look at every field that is computed from others."""
    for type_ in merged.types.values():
        if type_.kind not in (Kind.OBJECT, Kind.INTERFACE):
            continue
        for field in type_.fields.values():
            given = Demands()
            add(given, type_.demands)
            add(given, field.demands)
            for graph, each in field.by.items():
                for owner, selections in _sources(merged, type_, field, graph):
                    wanted = Demands()
                    _collect(merged, owner, selections, wanted)
                    if not _covers(given, wanted):
                        message = (
                            f'[{merged.name_of(graph)}] "{type_.name}.{field.name}" is computed from fields with '
                            f"@authenticated, @requiresScopes or @policy that it does not demand itself: add them "
                            f"to it."
                        )
                        place = merged.schema(graph).place(each.node)
                        report.problem("MISSING_TRANSITIVE_AUTH_REQUIREMENTS", message, place)


def _sources(
    merged: Merged, type_: MergedType, field: MergedField, graph: str
) -> Iterator[tuple[MergedType, SelectionSetNode]]:
    each = field.by[graph]
    if each.requires is not None:
        selections = parse_selections(each.requires)
        if not isinstance(selections, str):
            yield type_, selections
    for argument in each.arguments.values():
        reference = reference_of(argument)
        selections = parse_selections(reference.selection) if reference else ""
        if reference is None or isinstance(selections, str):
            continue
        for name, declared in merged.schema(graph).types.items():
            if any(applied.argument("name") == reference.context for applied in declared.applied("context")):
                yield merged.types[name], selections


def _collect(merged: Merged, type_: MergedType, selections: SelectionSetNode, into: Demands) -> None:
    for node in selections.selections:
        match node:
            case FieldNode():
                field = type_.fields.get(node.name.value)
                if field is None:
                    continue
                add(into, field.demands)
                result = merged.types.get(named(field.type))
                if result is not None:
                    add(into, result.demands)
                    if node.selection_set is not None:
                        _collect(merged, result, node.selection_set, into)
            case InlineFragmentNode():
                condition = node.type_condition.name.value if node.type_condition else type_.name
                inner = merged.types.get(condition, type_)
                add(into, inner.demands)
                _collect(merged, inner, node.selection_set, into)


def _covers(given: Demands, wanted: Demands) -> bool:
    """Whether demanding the wanted too would change nothing."""
    return (
        (given.authenticated or not wanted.authenticated)
        and both(given.scopes, wanted.scopes) == both(given.scopes, given.scopes)
        and both(given.policies, wanted.policies) == both(given.policies, given.policies)
    )
