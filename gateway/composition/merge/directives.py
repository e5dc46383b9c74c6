"""Directives of several subgraphs on one element, joined as each directive wants it.

In: the element's declarations. Out: the directives of the supergraph's element. @inaccessible and demands are kept
apart, as rules ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphql import ConstDirectiveNode, print_ast

from gateway.composition.merge.demands import demands_of
from gateway.composition.merged import MergedElement
from gateway.composition.nodes import Constant, directive
from gateway.composition.schema import Applied, Element

Composed = Mapping[str, bool]
"""The directives of subgraphs' own that are carried over, and whether each is repeatable."""
PLAIN = ("deprecated", "specifiedBy", "oneOf")
"""GraphQL's own: the first that is found holds."""


def merge_element(merged: MergedElement, elements: Sequence[Element], composed: Composed) -> None:
    """Description and directives of the merged element."""
    merged.description = next((each.description for each in elements if each.description), None)
    if not any(each.directives for each in elements):
        return
    merged.inaccessible = any(each.has("inaccessible") for each in elements)
    merged.demands = demands_of(elements)
    merged.directives = [
        *_plain(elements),
        *(directive("tag", name=name) for name in _distinct(elements, "tag", "name")),
        *_cost(elements),
        *_list_size(elements),
        *_composed(elements, composed),
    ]


def _plain(elements: Sequence[Element]) -> Iterator[ConstDirectiveNode]:
    for name in PLAIN:
        found = [node for each in elements if (node := each.other(name)) is not None]
        if found:
            yield found[0]


def _distinct(elements: Iterable[Element], name: str, argument: str) -> list[str]:
    given = (applied.argument(argument) for each in elements for applied in each.applied(name))
    return list(dict.fromkeys(value for value in given if isinstance(value, str)))


def _cost(elements: Iterable[Element]) -> Iterator[ConstDirectiveNode]:
    weights = [applied.argument("weight") for each in elements for applied in each.applied("cost")]
    known = [weight for weight in weights if isinstance(weight, int)]
    if known:
        yield directive("cost", weight=max(known))


def _list_size(elements: Iterable[Element]) -> Iterator[ConstDirectiveNode]:
    applied = [applied for each in elements for applied in each.applied("listSize")]
    if not applied:
        return
    assumed = [size for each in applied if isinstance(size := each.argument("assumedSize"), int)]
    slicing, sized = _all(applied, "slicingArguments"), _all(applied, "sizedFields")
    one = all(each.argument("requireOneSlicingArgument") is not False for each in applied)
    yield directive(
        "listSize",
        assumedSize=max(assumed) if assumed else None,
        slicingArguments=slicing or None,
        sizedFields=sized or None,
        requireOneSlicingArgument=None if one else False,
    )


def _all(applied: Iterable[Applied], argument: str) -> list[Constant]:
    return list(dict.fromkeys(value for each in applied for value in each.strings(argument)))


def _composed(elements: Iterable[Element], composed: Composed) -> Iterator[ConstDirectiveNode]:
    """Each application once; of a directive that is not repeatable only the first."""
    seen: set[str] = set()
    for each in elements:
        for applied in each.directives:
            text = print_ast(applied.node) if composed.get(applied.name) else applied.name
            if applied.federation is None and applied.name in composed and text not in seen:
                seen.add(text)
                yield applied.node
