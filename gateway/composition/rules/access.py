"""@authenticated, @requiresScopes and @policy stand on what is resolved, never on interfaces. @inaccessible not on
Query."""

from __future__ import annotations

from gateway.composition.problems import Report
from gateway.composition.schema import Element, Kind, SubgraphSchema

AUTH = ("authenticated", "requiresScopes", "policy")


def check(schema: SubgraphSchema, report: Report) -> None:
    """Refuse demands that a client could walk around."""
    for type_ in schema.types.values():
        if type_.name == "Query" and type_.has("inaccessible"):
            message = f'[{schema.name}] The query root type "Query" is @inaccessible: nothing would be left to ask.'
            report.problem("QUERY_ROOT_TYPE_INACCESSIBLE", message, schema.place(type_.node))
        if type_.kind is not Kind.INTERFACE:
            continue
        _refuse(schema, type_, type_.name, report)
        if not type_.is_interface_object:
            for field in type_.fields.values():
                _refuse(schema, field, f"{type_.name}.{field.name}", report)


def _refuse(schema: SubgraphSchema, element: Element, coordinate: str, report: Report) -> None:
    for name in AUTH:
        for applied in element.applied(name):
            message = (
                f'[{schema.name}] @{applied.name} cannot stand on "{coordinate}": interfaces, their fields and '
                f"interface "
                f"objects take what their implementations demand."
            )
            report.problem("AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE", message, schema.place(applied.node))
