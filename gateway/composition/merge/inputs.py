"""Fields of input objects: only what every subgraph takes can be given.

In: an input type with what each subgraph says. Out: its merged fields.
"""

from __future__ import annotations

from gateway.composition.merge.arguments import check_defaults, grouped
from gateway.composition.merge.directives import Composed, merge_element
from gateway.composition.merge.type_texts import most_specific
from gateway.composition.merged import Merged, MergedInput, MergedType
from gateway.composition.nodes import EnumName, directive
from gateway.composition.problems import Report, named_subgraphs
from gateway.composition.schema import Kind, coordinate


def merge_inputs(merged: Merged, type_: MergedType, composed: Composed, report: Report) -> None:
    """Merge all fields of the input type."""
    if type_.kind is not Kind.INPUT:
        return
    for name in dict.fromkeys(name for declared in type_.by.values() for name in declared.inputs):
        type_.inputs[name] = _merged_input(merged, type_, name, composed, report)
    if not any(each.is_kept for each in type_.inputs.values()):
        message = (
            f'No field of input type "{type_.name}" is declared by every subgraph that declares the type. As only '
            f"those "
            f"are kept, the type would be empty."
        )
        report.problem("EMPTY_MERGED_INPUT_TYPE", message, *merged.places(type_.by))


def _merged_input(merged: Merged, type_: MergedType, name: str, composed: Composed, report: Report) -> MergedInput:
    by = {graph: declared.inputs[name] for graph, declared in type_.by.items() if name in declared.inputs}
    field = MergedInput(name, by=by)
    merge_element(field, list(by.values()), composed)
    at = coordinate(type_.name, name)
    texts = {graph: each.type for graph, each in by.items()}
    specific = most_specific(texts.values())
    if specific is None:
        message = f'Type of field "{at}" is incompatible across subgraphs: it has {grouped(merged, texts)}.'
        report.problem("FIELD_TYPE_MISMATCH", message, *merged.places(by))
    field.type = specific or next(iter(texts.values()))
    if all(each.default is not None for each in by.values()):
        field.default = next(iter(by.values())).default
    check_defaults(merged, f'Input field "{at}"', field, "INPUT_FIELD_DEFAULT_MISMATCH", report)
    missing = {graph: declared for graph, declared in type_.by.items() if graph not in by}
    field.is_kept = not missing
    if missing:
        has, lacks = named_subgraphs(map(merged.name_of, by)), named_subgraphs(map(merged.name_of, missing))
        if field.type.endswith("!"):
            message = f'Input field "{at}" is required in {has}, but does not appear in {lacks}: declare it everywhere.'
            report.problem("REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH", message, *merged.places(missing))
        else:
            message = f'Input field "{at}" is not in the supergraph: {lacks} does not declare it.'
            report.hint("INCONSISTENT_INPUT_OBJECT_FIELD", message, *merged.places(by))
    elif any(text != field.type for text in texts.values()):
        field.joins = [directive("join__field", graph=EnumName(graph), type=text) for graph, text in texts.items()]
    return field
