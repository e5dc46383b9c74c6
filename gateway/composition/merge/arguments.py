"""Arguments, of fields and of directives: one type, one default.

In: an argument as each subgraph has it. Out: the merged one; what differs is narrowed, as it goes in.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import print_ast, value_from_ast_untyped

from gateway.composition.merge.directives import Composed, merge_element
from gateway.composition.merge.type_texts import most_specific
from gateway.composition.merged import Merged, MergedInput
from gateway.composition.problems import Place, Report, joined, named_subgraphs
from gateway.composition.schema import InputValue


def merge_argument(
    merged: Merged, at: str, name: str, by: dict[str, InputValue], composed: Composed, report: Report
) -> MergedInput:
    """The argument at the coordinate."""
    argument = MergedInput(name, by=by)
    merge_element(argument, list(by.values()), composed)
    texts = {graph: each.type for graph, each in by.items()}
    specific = most_specific(texts.values())
    if specific is None:
        message = f'Type of argument "{at}" is incompatible across subgraphs: it has {grouped(merged, texts)}.'
        report.problem("FIELD_ARGUMENT_TYPE_MISMATCH", message, *merged.places(by))
    elif len(set(texts.values())) > 1:
        message = f'Type of argument "{at}" differs: it has {grouped(merged, texts)}. The supergraph has "{specific}".'
        report.hint("INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE", message, *merged.places(by))
    argument.type = specific or next(iter(texts.values()))
    argument.default = next((each.default for each in reversed(by.values()) if each.default is not None), None)
    check_defaults(merged, f'Argument "{at}"', argument, "FIELD_ARGUMENT_DEFAULT_MISMATCH", report)
    return argument


def tell_missing(merged: Merged, at: str, argument: MergedInput, missing: Mapping[str, Place], report: Report) -> None:
    """An argument that some subgraphs lack is left out, and must be one that nobody has to give."""
    has, lacks = named_subgraphs(map(merged.name_of, argument.by)), named_subgraphs(map(merged.name_of, missing))
    if argument.type.endswith("!"):
        message = f'Argument "{at}" is required in {has}, but does not appear in {lacks}: declare it everywhere.'
        report.problem("REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH", message, *missing.values())
    else:
        message = f'Optional argument "{at}" is not in the supergraph: {lacks} does not declare it.'
        report.hint("INCONSISTENT_ARGUMENT_PRESENCE", message, *merged.places(argument.by))


def check_defaults(merged: Merged, what: str, argument: MergedInput, code: str, report: Report) -> None:
    """Refuse defaults that differ."""
    given = {graph: each.default for graph, each in argument.by.items() if each.default is not None}
    values = list(map(value_from_ast_untyped, given.values())) if len(given) > 1 else []
    if any(value != values[0] for value in values):
        texts = {graph: print_ast(default) for graph, default in given.items()}
        message = f"{what} has default values that differ: {grouped(merged, texts, 'default value', quoted=False)}."
        report.problem(code, message, *merged.places(argument.by))


def grouped(merged: Merged, texts: Mapping[str, str], what: str = "type", quoted: bool = True) -> str:
    """`type "A" in subgraph "x" and type "B" in subgraph "y"`."""
    groups: dict[str, list[str]] = {}
    for graph, text in texts.items():
        groups.setdefault(text, []).append(merged.name_of(graph))
    mark = '"' if quoted else ""
    return joined([f"{what} {mark}{text}{mark} in {named_subgraphs(names)}" for text, names in groups.items()])
