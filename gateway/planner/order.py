"""Put fetches in order: what may run at the same time, what has to wait, what need not run at all.

In: fetches with their needs, and each one's finished node. Out: a plan node. Parts that do not wait for each other run
beside each other, so that a slow fetch holds up only what needs it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence
from gateway.planner.fetch_graph import FetchDraft


def ordered(fetches: list[FetchDraft], made: Mapping[FetchDraft, Fetch]) -> Node:
    """The node that runs all the fetches, which must be at least one."""
    return _side_by_side([_component(part, made) for part in _components(fetches)])


def in_sequence(nodes: list[Node]) -> Node:
    """One after the other, without nesting."""
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, Sequence) else (node,)
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def _side_by_side(nodes: list[Node]) -> Node:
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, Parallel) else (node,)
    return flat[0] if len(flat) == 1 else Parallel(tuple(flat))


def _component(fetches: list[FetchDraft], made: Mapping[FetchDraft, Fetch]) -> Node:
    inside = set(fetches)
    first = [fetch for fetch in fetches if not fetch.needs & inside]
    assert first, "fetches wait for each other in a circle"
    start = _side_by_side([_conditional(fetch, made[fetch]) for fetch in first])
    rest = [fetch for fetch in fetches if fetch not in set(first)]
    if not rest:
        return start
    return in_sequence([start, _side_by_side([_component(part, made) for part in _components(rest)])])


def _components(fetches: list[FetchDraft]) -> list[list[FetchDraft]]:
    """The fetches in parts that do not wait for each other, in their given order."""
    part_of: dict[FetchDraft, int] = {fetch: number for number, fetch in enumerate(fetches)}
    for fetch in fetches:
        for need in fetch.needs:
            if need in part_of and part_of[need] != part_of[fetch]:
                old, new = sorted((part_of[need], part_of[fetch]), reverse=True)
                part_of = {member: new if part == old else part for member, part in part_of.items()}
    parts: dict[int, list[FetchDraft]] = {}
    for fetch in fetches:
        parts.setdefault(part_of[fetch], []).append(fetch)
    return list(parts.values())


def _conditional(fetch: FetchDraft, node: Node) -> Node:
    for toggle in sorted(fetch.toggles or (), key=lambda item: (item.variable, item.equals), reverse=True):
        node = Condition(toggle.variable, toggle.equals, node)
    return node
