"""@cost and @listSize: weights stand where something is resolved, sizes where there is a list."""

from __future__ import annotations

from gateway.composition.problems import Report
from gateway.composition.schema import Applied, Field, Kind, SubgraphSchema, Type, named


def check(schema: SubgraphSchema, report: Report) -> None:
    """Look at every weight and every size."""
    for type_ in schema.types.values():
        for field in type_.fields.values():
            if type_.kind is Kind.INTERFACE and not type_.is_interface_object:
                _refuse_on_interface(schema, type_, field, report)
            for applied in field.applied("listSize"):
                _check_size(schema, type_, field, applied, report)


def _refuse_on_interface(schema: SubgraphSchema, type_: Type, field: Field, report: Report) -> None:
    for element in (field, *field.arguments.values()):
        for applied in element.applied("cost"):
            message = (
                f'[{schema.name}] @cost cannot stand on "{type_.name}.{field.name}": put the weight on the fields '
                f"of the "
                f"implementations."
            )
            report.problem("COST_APPLIED_TO_INTERFACE_FIELD", message, schema.place(applied.node))


def _check_size(schema: SubgraphSchema, type_: Type, field: Field, applied: Applied, report: Report) -> None:
    place = schema.place(applied.node)
    start = f'[{schema.name}] @listSize on "{type_.name}.{field.name}":'
    assumed = applied.argument("assumedSize")
    if assumed is not None and (not isinstance(assumed, int) or assumed < 0):
        report.problem("LIST_SIZE_INVALID_ASSUMED_SIZE", f"{start} assumedSize must be 0 or more.", place)
        return
    sized = applied.strings("sizedFields")
    if not sized and not field.type.startswith("["):
        message = f"{start} the field is no list. If lists lie below it, name them in sizedFields."
        report.problem("LIST_SIZE_INVALID_SIZED_FIELD", message, place)
        return
    if sized and not _check_sized_fields(schema, field, list(sized), start, applied, report):
        return
    for name in applied.strings("slicingArguments"):
        argument = field.arguments.get(name)
        if argument is None or argument.type.rstrip("!") != "Int":
            reason = "does not exist" if argument is None else "is no Int"
            message = f'{start} the slicing argument "{name}" {reason}.'
            report.problem("LIST_SIZE_INVALID_SLICING_ARGUMENT", message, place)


def _check_sized_fields(
    schema: SubgraphSchema, field: Field, sized: list[str], start: str, applied: Applied, report: Report
) -> bool:
    place = schema.place(applied.node)
    target = schema.types.get(named(field.type))
    if target is None or target.kind not in (Kind.OBJECT, Kind.INTERFACE):
        message = f"{start} sizedFields names fields, and its type {field.type} has none."
        report.problem("LIST_SIZE_INVALID_SIZED_FIELD", message, place)
        return False
    before = len(report.problems)
    for name in sized:
        inner = target.fields.get(name)
        if inner is None:
            message = f'{start} "{target.name}.{name}" of sizedFields does not exist.'
            report.problem("LIST_SIZE_INVALID_SIZED_FIELD", message, place)
        elif not inner.type.startswith("["):
            message = f'{start} "{target.name}.{name}" of sizedFields is no list.'
            report.problem("LIST_SIZE_APPLIED_TO_NON_LIST", message, place)
    return len(report.problems) == before
