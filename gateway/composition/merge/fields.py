"""Fields of objects and interfaces: one type, one set of arguments.

In: a type with what each subgraph says. Out: its merged fields.
"""

from __future__ import annotations

from gateway.composition.merge.arguments import grouped, merge_argument, tell_missing
from gateway.composition.merge.directives import Composed, merge_element
from gateway.composition.merge.type_texts import most_general
from gateway.composition.merged import Merged, MergedField, MergedInput, MergedType
from gateway.composition.problems import Report, named_subgraphs
from gateway.composition.rules.contexts import reference_of
from gateway.composition.schema import Field, Kind, coordinate


def merge_fields(merged: Merged, type_: MergedType, composed: Composed, report: Report) -> None:
    """Merge all fields of the type."""
    if type_.kind not in (Kind.OBJECT, Kind.INTERFACE):
        return
    for name in dict.fromkeys(name for declared in type_.by.values() for name in declared.fields):
        by = {graph: declared.fields[name] for graph, declared in type_.by.items() if name in declared.fields}
        field = MergedField(name, by=by)
        merge_element(field, list(by.values()), composed)
        field.type = _merged_type(merged, type_, field, report)
        for argument in dict.fromkeys(argument for each in by.values() for argument in each.arguments):
            field.arguments[argument] = _merged_argument(merged, type_, field, argument, composed, report)
        type_.fields[name] = field


def _merged_type(merged: Merged, type_: MergedType, field: MergedField, report: Report) -> str:
    resolved = {graph: each for graph, each in field.by.items() if not is_external(each)}
    texts = {graph: each.type for graph, each in (resolved or field.by).items()}
    general = most_general(texts.values(), merged.is_subtype)
    at = coordinate(type_.name, field.name)
    if general is None:
        message = f'Type of field "{at}" is incompatible across subgraphs: it has {grouped(merged, texts)}.'
        report.problem("FIELD_TYPE_MISMATCH", message, *merged.places(field.by))
        return next(iter(texts.values()))
    if len(set(texts.values())) > 1:
        message = f'Type of field "{at}" differs: it has {grouped(merged, texts)}. The supergraph has "{general}".'
        report.hint("INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE", message, *merged.places(field.by))
    apart = {g: e.type for g, e in field.by.items() if g not in resolved and e.type != general}
    if any(each.key_member for each in field.by.values()):
        # A key may be declared more or less strictly by who only names objects with it.
        apart = {g: text for g, text in apart.items() if text.replace("!", "") != general.replace("!", "")}
    if resolved and apart and type_.kind is Kind.OBJECT:
        message = (
            f'Type of field "{at}" is incompatible where it is marked @external: it has type "{general}", but '
            f"{grouped(merged, apart)}."
        )
        report.problem("EXTERNAL_TYPE_MISMATCH", message, *merged.places(field.by))
    return general


def is_external(field: Field) -> bool:
    """Whether this subgraph only declares the field. A key of a type extension is marked so by custom, and given
    anyway."""
    return field.external and not field.key_of_extension


def _merged_argument(
    merged: Merged, type_: MergedType, field: MergedField, name: str, composed: Composed, report: Report
) -> MergedInput:
    by = {graph: each.arguments[name] for graph, each in field.by.items() if name in each.arguments}
    at = coordinate(type_.name, field.name, name)
    argument = merge_argument(merged, at, name, by, composed, report)
    argument.is_contextual = any(reference_of(each) is not None for each in by.values())
    argument.is_kept = len(by) == len(field.by)
    _check_presence(merged, type_, field, argument, at, report)
    return argument


def _check_presence(
    merged: Merged, type_: MergedType, field: MergedField, argument: MergedInput, at: str, report: Report
) -> None:
    if argument.is_contextual:
        plain = {g: e for g, e in argument.by.items() if reference_of(e) is None and e.required}
        if plain:
            names = named_subgraphs(map(merged.name_of, plain))
            message = f'Argument "{at}" comes from a context in one subgraph, but {names} requires it of the client.'
            report.problem("CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS", message, *merged.places(plain))
        return
    missing = {graph: each for graph, each in field.by.items() if graph not in argument.by}
    if not missing:
        return
    has, lacks = named_subgraphs(map(merged.name_of, argument.by)), named_subgraphs(map(merged.name_of, missing))
    external = {graph: each for graph, each in missing.items() if each.external}
    if external:
        message = f'Argument "{at}" is declared in {has}, but not in {lacks}, where the field is marked @external.'
        report.problem("EXTERNAL_ARGUMENT_MISSING", message, *merged.places(external))
    places = {graph: merged.schema(graph).place(each.node) for graph, each in missing.items()}
    tell_missing(merged, at, argument, places, report)
