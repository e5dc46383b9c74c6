"""@external: a field is declared here to be used here, and resolved elsewhere."""

from __future__ import annotations

from gateway.composition.problems import Report
from gateway.composition.schema import Field, Kind, SubgraphSchema, Type, named


def check(schema: SubgraphSchema, report: Report) -> None:
    """Refuse externals that nothing uses; in Federation 1, where they were common, forget them."""
    for type_ in schema.types.values():
        if type_.kind is not Kind.OBJECT and not type_.is_interface_object:
            continue
        for field in [field for field in type_.fields.values() if field.external]:
            if not schema.is_federation_1:
                _check_merged_directives(schema, type_, field, report)
            if _is_used(schema, type_, field):
                continue
            if schema.is_federation_1:
                del type_.fields[field.name]
                continue
            message = (
                f'[{schema.name}] "{type_.name}.{field.name}" is @external, and nothing in this subgraph uses it: '
                f"no @key, "
                f"@requires or @provides, and no interface. Remove the field, or the @external."
            )
            report.problem("EXTERNAL_UNUSED", message, schema.place(field.node))


def _is_used(schema: SubgraphSchema, type_: Type, field: Field) -> bool:
    if field.in_any_key or field.required or field.provided:
        return True
    if schema.is_federation_1:
        return any(field.name in schema.types[name].fields for name in type_.interfaces if name in schema.types)
    if type_.is_interface_object:
        return False
    result = schema.types.get(named(field.type))
    if result is not None and result.kind is Kind.OBJECT and result.has("shareable"):
        return True
    return any(field.name in schema.types[name].fields for name in type_.interfaces if name in schema.types)


def _check_merged_directives(schema: SubgraphSchema, type_: Type, field: Field, report: Report) -> None:
    for name in ("tag", "inaccessible"):
        for applied in field.applied(name):
            message = (
                f'[{schema.name}] Cannot apply @{applied.name} to the external field "{type_.name}.{field.name}": '
                f"apply it "
                f"where the field is resolved."
            )
            report.problem("MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL", message, schema.place(applied.node))
