"""Send mutation fields that follow each other in one subgraph as one request.

In: the fetches of each mutation field, in the client's order. Out: fewer lists. The subgraph runs the fields of one
request in order, so joining keeps the order as long as nothing else had to be fetched between them. What comes later in
the answer is fetched after them all.
"""

from __future__ import annotations

from gateway.planner.fetch_graph import FetchDraft


def join_mutations(steps: list[list[FetchDraft]]) -> list[list[FetchDraft]]:
    """The steps, with a step that is only one request taken into the next one to the same subgraph."""
    joined: list[list[FetchDraft]] = []
    for step in steps:
        first = step[0]
        before = joined[-1] if joined else []
        later = [fetch for fetch in before if fetch.part]
        if len(before) - len(later) == 1 and _joins(before[0], first):
            earlier, later_root = before[0], first.root
            assert earlier.root is not None
            assert later_root is not None
            earlier.root.merge(later_root)
            earlier.hold_under(first.toggles or frozenset())
            for fetch in step[1:]:
                fetch.needs = {earlier if need is first else need for need in fetch.needs}
            joined[-1] = [earlier, *later, *step[1:]]
        else:
            joined.append(step)
    return joined


def _joins(earlier: FetchDraft, later: FetchDraft) -> bool:
    """Whether one request may hold both. A field whose turn depends on conditions stands in two, once in each."""
    if earlier.root is None or later.root is None or earlier.subgraph != later.subgraph:
        return False
    return not earlier.root.items.keys() & later.root.items.keys()
