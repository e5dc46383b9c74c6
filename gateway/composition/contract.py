"""A contract: the same graph with less to see, chosen by `@tag`.

In: merged types and the tags to show or to hide. Out: the same types, with what the contract does not show
hidden. With tags to show, an element is shown if it carries one of them, or its type does; a type, if it or a
part of it does. Scalars, enums and inputs follow what uses them. A tag to hide wins over all. Then what nothing leads
to is hidden, too. A shown field of a hidden type is a mistake of its authors, and refused by the rules for
@inaccessible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphql import value_from_ast_untyped

from gateway.composition.merged import Merged, MergedElement, MergedField, MergedInput, MergedType
from gateway.composition.problems import Report
from gateway.composition.schema import ROOTS, Kind, named


@dataclass(frozen=True, slots=True)
class Contract:
    """`shown`: tags of which an element has to have one, if there are any. `hidden`: tags that it must not have."""

    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()


def apply_contract(merged: Merged, contract: Contract, report: Report) -> None:
    """Hide what the contract does not show. A tag that nothing carries is refused: mistyped, it would show too much."""
    known = _all_tags(merged)
    for tag in sorted((contract.shown | contract.hidden) - known):
        message = (
            f'The contract names the tag "{tag}", which nothing carries; there are: '
            f"{', '.join(sorted(known)) or 'none'}."
        )
        report.problem("UNKNOWN_CONTRACT_TAG", message)
    report.refuse_if_any()
    for type_ in merged.types.values():
        _choose(type_, contract)
    reachable = _reachable(merged)
    for type_ in merged.types.values():
        if type_.name not in reachable and type_.name not in ROOTS.values():
            type_.hide()


def tags_of(element: MergedElement) -> frozenset[str]:
    """The names of the element's tags."""
    nodes = (node for node in element.directives if node.name.value == "tag")
    return frozenset(str(value_from_ast_untyped(argument.value)) for node in nodes for argument in node.arguments or ())


def _all_tags(merged: Merged) -> frozenset[str]:
    found: set[str] = set()
    for type_ in merged.types.values():
        arguments = (argument for field in type_.fields.values() for argument in field.arguments.values())
        for element in (type_, *_parts(type_), *arguments):
            found |= tags_of(element)
    return frozenset(found)


def _choose(type_: MergedType, contract: Contract) -> None:
    own = tags_of(type_)
    parts = list(_parts(type_))
    follows = type_.kind in (Kind.SCALAR, Kind.ENUM, Kind.INPUT)
    all_shown = not contract.shown or bool(own & contract.shown) or (follows and type_.name not in ROOTS.values())
    for part in parts:
        tags = tags_of(part)
        if tags & contract.hidden or not (all_shown or tags & contract.shown):
            part.hide()
    if isinstance(type_, MergedType):
        for field in type_.fields.values():
            for argument in field.arguments.values():
                if tags_of(argument) & contract.hidden:
                    argument.hide()
    if own & contract.hidden or (not all_shown and all(part.inaccessible for part in parts)):
        type_.hide()


def _parts(type_: MergedType) -> Iterator[MergedElement]:
    yield from type_.fields.values()
    yield from type_.inputs.values()
    yield from type_.values.values()


def _reachable(merged: Merged) -> frozenset[str]:
    """The types that lead on from the roots by what is shown, and what may stand for them."""
    found: set[str] = set()
    waiting = [name for name in ROOTS.values() if name in merged.types]
    waiting += (named(each.type) for made in merged.executable.values() for each in made.arguments.values())
    while waiting:
        name = waiting.pop()
        type_ = merged.types.get(name)
        if name in found or type_ is None or type_.inaccessible:
            continue
        found.add(name)
        waiting += type_.interfaces
        waiting += type_.members
        waiting += [each.name for each in merged.implementations(name)] if type_.kind is Kind.INTERFACE else []
        waiting += _named_by([*type_.fields.values(), *type_.inputs.values()])
    return frozenset(found)


def _named_by(parts: Iterable[MergedField | MergedInput]) -> Iterator[str]:
    for part in parts:
        if part.inaccessible:
            continue
        yield named(part.type)
        if isinstance(part, MergedField):
            yield from (named(each.type) for each in part.arguments.values() if not each.inaccessible)
