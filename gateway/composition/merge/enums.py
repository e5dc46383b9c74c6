"""Values of enums: where it goes in, only what every subgraph takes; where it comes out, all that any may give.

In: the merged types. Out: the values of each enum. An enum that is used both ways must be the same everywhere.
"""

from __future__ import annotations

from gateway.composition.merge.directives import Composed, merge_element
from gateway.composition.merged import Merged, MergedType, MergedValue
from gateway.composition.problems import Report, named_subgraphs
from gateway.composition.schema import Kind, coordinate, named
from gateway.supergraph.join import named_type


def merge_enums(merged: Merged, composed: Composed, report: Report) -> None:
    """Merge the values of every enum."""
    goes_in, comes_out = _uses(merged)
    for type_ in merged.types.values():
        if type_.kind is not Kind.ENUM:
            continue
        for name in dict.fromkeys(name for declared in type_.by.values() for name in declared.values):
            by = {graph: declared.values[name] for graph, declared in type_.by.items() if name in declared.values}
            value = type_.values[name] = MergedValue(name, by=by)
            merge_element(value, list(by.values()), composed)
        _decide(merged, type_, goes_in.get(type_.name), comes_out.get(type_.name), report)


def _uses(merged: Merged) -> tuple[dict[str, str], dict[str, str]]:
    """For each type name an example of where it goes in, and of where it comes out."""
    goes_in: dict[str, str] = {}
    comes_out: dict[str, str] = {}
    for directive in merged.composed:
        for node in directive.arguments or ():
            goes_in.setdefault(named_type(node.type), f"@{directive.name.value}({node.name.value}:)")
    for made in merged.executable.values():
        for argument in made.arguments.values():
            goes_in.setdefault(named(argument.type), f"@{made.name}({argument.name}:)")
    for type_ in merged.types.values():
        for field in type_.fields.values():
            comes_out.setdefault(named(field.type), coordinate(type_.name, field.name))
            for argument in field.arguments.values():
                goes_in.setdefault(named(argument.type), coordinate(type_.name, field.name, argument.name))
        for each in type_.inputs.values():
            goes_in.setdefault(named(each.type), coordinate(type_.name, each.name))
    return goes_in, comes_out


def _decide(merged: Merged, type_: MergedType, goes_in: str | None, comes_out: str | None, report: Report) -> None:
    partial = [value for value in type_.values.values() if len(value.by) < len(type_.by)]
    if goes_in and comes_out:
        for value in partial:
            if not value.inaccessible:
                _refuse(merged, type_, value, goes_in, comes_out, report)
    elif goes_in:
        for value in partial:
            value.is_kept = False
            message = f'Value "{type_.name}.{value.name}" is not in the supergraph: not every subgraph takes it.'
            report.hint("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", message, *merged.places(value.by))
        if len(partial) == len(type_.values):
            message = (
                f'No value of enum "{type_.name}" is declared by every subgraph that declares the type. As it is '
                f"used for "
                f"input (by {goes_in}) only those are kept, and it would be empty."
            )
            report.problem("EMPTY_MERGED_ENUM_TYPE", message, *merged.places(type_.by))
    elif comes_out:
        for value in partial:
            message = f'Value "{type_.name}.{value.name}" is not declared by every subgraph that declares the enum.'
            report.hint("INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", message, *merged.places(value.by))
    else:
        message = f'Enum "{type_.name}" is used by nothing.'
        report.hint("UNUSED_ENUM_TYPE", message, *merged.places(type_.by))


def _refuse(
    merged: Merged, type_: MergedType, value: MergedValue, goes_in: str, comes_out: str, report: Report
) -> None:
    missing = [graph for graph in type_.by if graph not in value.by]
    has, lacks = (named_subgraphs(map(merged.name_of, graphs)) for graphs in (list(value.by), missing))
    message = (
        f'Enum "{type_.name}" is used both for input (by {goes_in}) and for output (by {comes_out}), so its '
        f"values must be "
        f'the same everywhere, but "{value.name}" is declared in {has} and not in {lacks}.'
    )
    report.problem("ENUM_VALUE_MISMATCH", message, *merged.places(value.by))
