"""The variables that conditions of a plan depend on: those of its nodes, its documents and its shape."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.compiled.documents import variables_deciding
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Leaf, Listing, Object


def switches_of(plan: QueryPlan) -> tuple[str, ...]:
    """In a fixed order."""
    found = _in_shape(plan.shape)
    if plan.node is not None:
        found |= set(_in_node(plan.node))
    return tuple(sorted(found))


def _in_node(node: Node) -> Iterator[str]:
    match node:
        case Fetch(document=document):
            if "@include" in document or "@skip" in document:
                yield from variables_deciding(document)
        case Sequence(nodes) | Parallel(nodes):
            for each in nodes:
                yield from _in_node(each)
        case Condition(variable=variable, node=inner):
            yield variable
            yield from _in_node(inner)


def _in_shape(shape: Object) -> set[str]:
    """Each object once: under conditions it stands at many places, and at each of them all that is below it."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[Leaf | Listing | Object] = [shape]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Listing):
            waiting.append(each.item.value)
        elif isinstance(each, Object):
            for field in each.fields:
                found.update(toggle.variable for toggles in field.toggles for toggle in toggles)
                waiting.append(field.slot.value)
    return found
