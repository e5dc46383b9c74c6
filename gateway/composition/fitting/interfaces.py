"""Interfaces across subgraphs: implementations have their fields, keys know all implementations."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.composition.federation_spec import number_of
from gateway.composition.merge.type_texts import is_covariant
from gateway.composition.merged import Merged, MergedField, MergedInput, MergedType
from gateway.composition.problems import Report, joined, named_subgraphs
from gateway.composition.schema import Kind


def check(merged: Merged, report: Report) -> None:
    """Look at every interface, and at all that implements one."""
    for type_ in merged.types.values():
        if type_.kind is Kind.INTERFACE:
            _check_interface_objects(merged, type_, report)
            _check_keys(merged, type_, report)
        if type_.kind in (Kind.OBJECT, Kind.INTERFACE):
            for name in type_.interfaces:
                interface = merged.types.get(name)
                if interface is not None and interface.kind is Kind.INTERFACE:
                    _check_implementation(merged, type_, interface, report)
                    if not type_.inaccessible and not interface.inaccessible:
                        _check_ancestors(merged, type_, interface, report)


def _check_interface_objects(merged: Merged, interface: MergedType, report: Report) -> None:
    if interface.by and all(each.is_interface_object for each in interface.by.values()):
        message = (
            f'"{interface.name}" is an @interfaceObject wherever it is declared: one subgraph has to know its types.'
        )
        report.problem("INTERFACE_OBJECT_USAGE_ERROR", message, *merged.places(interface.by))


def _check_keys(merged: Merged, interface: MergedType, report: Report) -> None:
    """Who can be asked for any object of the interface by its key has to know what it may be."""
    everywhere = sorted(type_.name for type_ in merged.implementations(interface.name))
    for graph, declared in interface.by.items():
        schema = merged.schema(graph)
        resolvable = [key for key in declared.keys if key.resolvable]
        if declared.is_interface_object or not resolvable or number_of(schema.version) < (2, 3):
            continue
        missing = [name for name in everywhere if name not in schema.possible(interface.name)]
        if missing:
            told = joined([f'"{name}"' for name in missing])
            message = (
                f'[{schema.name}] Interface "{interface.name}" has the key "{resolvable[0].fields}", but subgraph '
                f'"{schema.name}" does not know {told}, which implement it elsewhere: declare them, or make it '
                f"resolvable: "
                f"false."
            )
            report.problem("INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE", message, schema.place(declared.node))


def _check_implementation(merged: Merged, type_: MergedType, interface: MergedType, report: Report) -> None:
    for name, field in interface.fields.items():
        own = type_.fields.get(name)
        if own is None:
            if any(interface.by[graph].is_interface_object for graph in field.by) and type_.kind is Kind.OBJECT:
                continue
            who = named_subgraphs(map(merged.name_of, type_.interfaces[interface.name] or type_.by))
            message = (
                f'"{interface.name}.{name}" is declared in {named_subgraphs(map(merged.name_of, field.by))}, but type '
                f'"{type_.name}", which implements "{interface.name}" in {who}, has no field "{name}" anywhere.'
            )
            report.problem("INTERFACE_FIELD_NO_IMPLEM", message, *merged.places(field.by), *merged.places(type_.by))
        elif not is_covariant(own.type, field.type, merged.is_subtype):
            message = (
                f'"{interface.name}.{name}" is of type {field.type}, but "{type_.name}.{name}" of type {own.type} '
                f"is not "
                f"one of those."
            )
            report.problem("INVALID_GRAPHQL", message, *merged.places(own.by))
        if own is not None and not any(e.inaccessible for e in (interface, field, type_, own)):
            _check_arguments(merged, f"{interface.name}.{name}", field, f"{type_.name}.{name}", own, report)


def _check_ancestors(merged: Merged, type_: MergedType, interface: MergedType, report: Report) -> None:
    for name in interface.interfaces:
        found = merged.types.get(name)
        if found is None or found.inaccessible or name in type_.interfaces or name == type_.name:
            continue
        message = (
            f'Type "{type_.name}" implements "{interface.name}" in {_named(merged, type_.interfaces[interface.name])}, '
            f'but not "{name}", which "{interface.name}" implements in {_named(merged, interface.interfaces[name])}.'
        )
        report.problem("INVALID_GRAPHQL", message, *merged.places(type_.by), *merged.places(interface.by))


def _check_arguments(
    merged: Merged, at: str, field: MergedField, own_at: str, own: MergedField, report: Report
) -> None:
    wanted, given = _arguments(field), _arguments(own)
    for name, argument in wanted.items():
        found = given.get(name)
        places = (*merged.places(argument.by), *merged.places((found or own).by))
        if name in own.arguments and own.arguments[name].is_required and found is None:
            continue  # Told as an argument that some subgraphs lack.
        if found is None:
            lacks = _named(merged, [graph for graph, each in own.by.items() if name not in each.arguments])
            message = f'"{at}" has the argument "{name}", but "{own_at}", which implements it, has none in {lacks}.'
            report.problem("INTERFACE_FIELD_NO_IMPLEM", message, *places)
        elif found.type != argument.type:
            message = (
                f'"{own_at}({name}:)" is of type {found.type}, but "{at}({name}:)", which it implements, is of type '
                f"{argument.type}: declare the same type everywhere."
            )
            report.problem("FIELD_ARGUMENT_TYPE_MISMATCH", message, *places)
        elif found.inaccessible and not argument.inaccessible:
            message = f'"{own_at}({name}:)" {found.how_hidden}, but implements "{at}({name}:)", which clients see.'
            report.problem("IMPLEMENTED_BY_INACCESSIBLE", message, *places)
        elif argument.inaccessible and not argument.is_required and found.is_required and not found.inaccessible:
            message = f'"{at}({name}:)" {argument.how_hidden}, but "{own_at}", which implements it, requires it.'
            report.problem("REQUIRED_INACCESSIBLE", message, *places)
    for name, found in given.items():
        if found.is_required and name not in field.arguments and not found.inaccessible:
            message = f'"{own_at}({name}:)" is required, but "{at}", which it implements, has no such argument.'
            report.problem("INTERFACE_FIELD_NO_IMPLEM", message, *merged.places(found.by), *merged.places(field.by))


def _arguments(field: MergedField) -> dict[str, MergedInput]:
    return {name: each for name, each in field.arguments.items() if each.is_kept and not each.is_contextual}


def _named(merged: Merged, graphs: Iterable[str]) -> str:
    return named_subgraphs(map(merged.name_of, graphs))
