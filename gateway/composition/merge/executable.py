"""Directives that clients write: any subgraph may be sent one, so the supergraph has what all subgraphs know of it.

In: the subgraphs' definitions. Out: those that every subgraph has, with the places and the arguments that all allow;
arguments are merged as a field's are.
"""

from __future__ import annotations

from graphql import DirectiveDefinitionNode

from gateway.composition.merge.arguments import merge_argument, tell_missing
from gateway.composition.merge.directives import Composed
from gateway.composition.merged import Merged, MergedDirective
from gateway.composition.problems import Place, Report, joined, named_subgraphs
from gateway.supergraph.api_schema import EXECUTABLE


def merge_executable(merged: Merged, composed: Composed, report: Report) -> None:
    """Add each that every subgraph has."""
    found: dict[str, dict[str, DirectiveDefinitionNode]] = {}
    for graph, subgraph in merged.subgraphs.items():
        for name, node in subgraph.directives.items():
            if name not in composed and _locations(node):
                found.setdefault(name, {})[graph] = node
    for name, by in found.items():
        places = [merged.schema(graph).place(node) for graph, node in by.items()]
        if len(by) == len(merged.subgraphs):
            _merge_one(merged, name, by, places, composed, report)
        else:
            who = named_subgraphs(map(merged.name_of, by))
            message = f'Directive "@{name}" is not in the supergraph: only {who} defines it.'
            report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", message, *places)


def _merge_one(
    merged: Merged,
    name: str,
    by: dict[str, DirectiveDefinitionNode],
    places: list[Place],
    composed: Composed,
    report: Report,
) -> None:
    common = [each for each in _locations(next(iter(by.values()))) if all(each in _locations(n) for n in by.values())]
    if not common:
        message = f'Directive "@{name}" is not in the supergraph: its definitions have no location in common.'
        report.hint("NO_EXECUTABLE_DIRECTIVE_INTERSECTION", message, *places)
        return
    if any(len(_locations(node)) > len(common) for node in by.values()):
        message = f'Directive "@{name}" may only stand where every subgraph allows it: on {joined(common)}.'
        report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", message, *places)
    repeatable = all(node.repeatable for node in by.values())
    if not repeatable and any(node.repeatable for node in by.values()):
        message = f'Directive "@{name}" is not repeatable in the supergraph, as it is not in every subgraph.'
        report.hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", message, *places)
    texts = (node.description.value for node in by.values() if node.description is not None)
    made = MergedDirective(name, next(texts, None), locations=tuple(common), repeatable=repeatable)
    declared = {graph: merged.schema(graph).directive_arguments[name] for graph in by}
    for argument in dict.fromkeys(argument for each in declared.values() for argument in each):
        given = {graph: each[argument] for graph, each in declared.items() if argument in each}
        at = f"@{name}({argument}:)"
        found = made.arguments[argument] = merge_argument(merged, at, argument, given, composed, report)
        found.is_kept = len(given) == len(by)
        if not found.is_kept:
            missing = {graph: merged.schema(graph).place(node) for graph, node in by.items() if graph not in given}
            tell_missing(merged, at, found, missing, report)
    merged.executable[name] = made


def _locations(node: DirectiveDefinitionNode) -> list[str]:
    return [location.value for location in node.locations if location.value in EXECUTABLE]
