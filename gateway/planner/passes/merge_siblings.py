"""Merge fetches that go to one subgraph at the same stage into one request; those that nobody waits for may go later.

Only within one part of the answer: what comes at once is not held up by what may come later.

In: all fetches. Out: fewer. Objects of one place that are asked in the same way share one `_entities` field, whatever
their concrete types; the others get a field each, under aliases. Conditions do not keep fetches apart: each field
stays under its own, and objects that are not there are not asked about.
"""

from __future__ import annotations

from gateway.operation.conditions import either
from gateway.planner.fetch_graph import FetchDraft, Group, Path, PathStep, Requirements, stages_of
from gateway.planner.requirements import joined_requirements


def merge_siblings(fetches: list[FetchDraft]) -> list[FetchDraft]:
    """The fetches, with siblings made one."""
    stages = stages_of(fetches)
    kept: dict[tuple[object, ...], FetchDraft] = {}
    instead: dict[FetchDraft, FetchDraft] = {}
    for fetch in fetches:
        alone = fetch if _is_at_root(fetch) else None
        place = (fetch.part, stages[fetch], fetch.subgraph, fetch.kind, fetch.root is not None, alone)
        into = kept.setdefault(place, fetch)
        instead[fetch] = into
        if into is not fetch:
            _absorb(into, fetch)
    for fetch in kept.values():
        fetch.needs = {instead[need] for need in fetch.needs}
    return _without_postponed(list(kept.values()))


def _without_postponed(fetches: list[FetchDraft]) -> list[FetchDraft]:
    """Fetches that nothing waits for go along with a later one to their subgraph: the answer waits for that anyway."""
    stages = stages_of(fetches)
    # A later part waits for all of an earlier one, however late its fetches are.
    needed = {need for fetch in fetches for need in fetch.needs if need.part == fetch.part}
    gone: set[FetchDraft] = set()
    # Earliest first: what a fetch is taken into may itself be taken along later, with all that it has by then.
    for fetch in sorted(fetches, key=stages.__getitem__):
        later = [
            one
            for one in fetches
            if (one.subgraph, one.part) == (fetch.subgraph, fetch.part)
            and stages[one] > stages[fetch]
            and one.groups
            and not _is_at_root(one)
        ]
        if fetch.groups and fetch not in needed and later and not _is_at_root(fetch):
            _absorb(min(later, key=stages.__getitem__), fetch)
            gone.add(fetch)
    return [fetch for fetch in fetches if fetch not in gone]


def _is_at_root(fetch: FetchDraft) -> bool:
    """Whether it asks for fields of the query root somewhere below: its document has no `_entities` to stand beside."""
    return any(group.at_root for group in fetch.groups)


def _absorb(into: FetchDraft, fetch: FetchDraft) -> None:
    into.needs |= fetch.needs
    into.hold_under(fetch.toggles or frozenset())
    for group in fetch.groups:
        _take(into.groups, group)
    if into.root and fetch.root:
        into.root.merge(fetch.root)


def _take(groups: list[Group], group: Group) -> None:
    for known in groups:
        path = _joined_path(known.path, group.path)
        if path is None or known.as_interface != group.as_interface:
            continue
        if known.parts.keys() != group.parts.keys() and not (_tells_types(known.path) and _tells_types(group.path)):
            continue
        if known.as_interface and not _asks_the_same(known, group):
            continue
        if not all(known.parts[name].agrees_with(part) for name, part in group.parts.items() if name in known.parts):
            # Objects that stand under one key, and have their own key below for another field each.
            continue
        if known.contexts != group.contexts:
            # Objects go apart by their contexts' values, and are left out where one is missing.
            continue
        requires = _joined_requires(known, group)
        if requires is None:
            continue
        known.path, known.requires = path, requires
        known.conditions = either(known.conditions, group.conditions)
        for name, selection in group.parts.items():
            if name in known.parts:
                known.parts[name].merge(selection)
            else:
                known.parts[name] = selection
        return
    groups.append(group)


def _tells_types(path: Path) -> bool:
    """Whether objects of several types may be there, so that each says its own."""
    return bool(path) and len(path[-1].possible) > 1


def _asks_the_same(left: Group, right: Group) -> bool:
    """Asked as an interface, objects cannot be told apart in the document: either all get a field or none."""
    if left.path != right.path:
        return {name: part.signature() for name, part in left.parts.items()} == {
            name: part.signature() for name, part in right.parts.items()
        }
    return left.parts.keys() == right.parts.keys()


def _joined_path(left: Path, right: Path) -> Path | None:
    """The path to the objects of both; None when no one path leads to just these. Types may differ in one step only."""
    if tuple(step.key for step in left) != tuple(step.key for step in right):
        return None
    differing = [number for number, (a, b) in enumerate(zip(left, right, strict=True)) if a.types != b.types]
    if not differing:
        return left
    if len(differing) > 1:
        return None
    number = differing[0]
    a, b = left[number], right[number]
    types = None if a.types is None or b.types is None else a.types | b.types
    if types is None and number < len(left) - 1:
        return None
    return (*left[:number], PathStep(a.key, types, a.possible | b.possible), *left[number + 1 :])


def _joined_requires(left: Group, right: Group) -> dict[str | None, Requirements] | None:
    found = dict(left.requires)
    for concrete, requires in right.requires.items():
        known = found.get(concrete, requires)
        joined = joined_requirements(known, requires)
        if joined is None:
            return None
        # What one of them requires in addition has to be there whenever the other is asked about.
        if joined != known and either(left.conditions, right.conditions) != right.conditions:
            return None
        if joined != requires and either(left.conditions, right.conditions) != left.conditions:
            return None
        found[concrete] = joined
    return found
