"""@interfaceObject and @shareable: where they may stand."""

from __future__ import annotations

from gateway.composition.problems import Report
from gateway.composition.schema import Kind, SubgraphSchema


def check(schema: SubgraphSchema, report: Report) -> None:
    """Look at interface objects, and at what cannot be shared."""
    for type_ in schema.types.values():
        if type_.is_interface_object and not type_.has("key"):
            message = f'[{schema.name}] "{type_.name}" is an @interfaceObject without a @key: only entities can be one.'
            report.problem("INTERFACE_OBJECT_USAGE_ERROR", message, schema.place(type_.node))
        if type_.kind is not Kind.INTERFACE or type_.is_interface_object:
            continue
        for field in type_.fields.values():
            for applied in field.applied("shareable"):
                message = (
                    f'[{schema.name}] @shareable cannot stand on "{type_.name}.{field.name}": an interface resolves '
                    f"nothing; share the fields of its implementations."
                )
                report.problem("INVALID_SHAREABLE_USAGE", message, schema.place(applied.node))
