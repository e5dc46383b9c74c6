"""@authenticated, @requiresScopes and @policy stand on what is resolved, never on interfaces. @inaccessible not on
Query."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.problems import Report
from gateway.composition.schema import Element, Kind, SubgraphSchema, Type

AUTH = ("authenticated", "requiresScopes", "policy")


def check(schema: SubgraphSchema, report: Report) -> None:
    """Refuse demands that a client could walk around."""
    for type_ in schema.types.values():
        if type_.name == "Query" and type_.has("inaccessible"):
            message = f'[{schema.name}] The query root type "Query" is @inaccessible: nothing would be left to ask.'
            report.problem("QUERY_ROOT_TYPE_INACCESSIBLE", message, schema.place(type_.node))
        for element, at in _elements(type_):
            _refuse_values(schema, element, at, report)
        if type_.kind is not Kind.INTERFACE:
            continue
        _refuse(schema, type_, type_.name, report)
        if not type_.is_interface_object:
            for field in type_.fields.values():
                _refuse(schema, field, f"{type_.name}.{field.name}", report)


def _elements(type_: Type) -> Iterator[tuple[Element, str]]:
    yield type_, type_.name
    for field in type_.fields.values():
        yield field, f"{type_.name}.{field.name}"


def _refuse_values(schema: SubgraphSchema, element: Element, coordinate: str, report: Report) -> None:
    """A scope or policy that is no text would be one that nobody has, or everybody."""
    for name, argument in (("requiresScopes", "scopes"), ("policy", "policies")):
        for applied in element.applied(name):
            given = applied.argument(argument)
            groups = [
                each if isinstance(each, list) else [each] for each in (given if isinstance(given, list) else [given])
            ]
            if not groups or not all(group and all(isinstance(text, str) for text in group) for group in groups):
                message = (
                    f'[{schema.name}] @{applied.name} on "{coordinate}": {argument} are lists of texts, none empty.'
                )
                report.problem("INVALID_GRAPHQL", message, schema.place(applied.node))


def _refuse(schema: SubgraphSchema, element: Element, coordinate: str, report: Report) -> None:
    for name in AUTH:
        for applied in element.applied(name):
            message = (
                f'[{schema.name}] @{applied.name} cannot stand on "{coordinate}": interfaces, their fields and '
                f"interface "
                f"objects take what their implementations demand."
            )
            report.problem("AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE", message, schema.place(applied.node))
