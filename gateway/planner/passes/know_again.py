"""Find where a fetch asks a subgraph for what that subgraph has told of the same objects before.

In: the fetches of a query, finished but for this. Out: the same ones; groups know the places at which their objects may
stand with all that is asked of them. Only leaves by plain keys, and only places at which objects of one type stand:
there executors can look objects up for less than a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gateway.operation.conditions import NEVER
from gateway.plan.nodes import KnownAt, RequiredField, Step
from gateway.planner.fetch_graph import FetchDraft, Group, Item, Requirements, Selection

_MOST_PLACES = 4
Keys = dict[tuple[str, str], str]
"""Where a leaf stands, by its field's name and arguments."""


def know_again(fetches: list[FetchDraft]) -> list[FetchDraft]:
    """The fetches, whose groups say where their objects may be known already."""
    for fetch in fetches:
        before = [one for one in _before(fetch, fetches) if one.subgraph == fetch.subgraph and one.kind == "query"]
        for group in fetch.groups:
            if before and not (group.at_root or group.as_interface or group.contexts):
                group.known_at = tuple(islice(_places(group, before), _MOST_PLACES))
    return fetches


def _before(fetch: FetchDraft, fetches: list[FetchDraft]) -> list[FetchDraft]:
    """What is answered before the fetch begins, because it or what it needs waits for it."""
    found: set[FetchDraft] = set()
    waiting = [fetch]
    while waiting:
        needs = waiting.pop().needs - found
        found |= needs
        waiting += needs
    return [one for one in fetches if one in found]


def _places(group: Group, before: list[FetchDraft]) -> Iterator[KnownAt]:
    if len(group.parts) != 1 or len(group.requires) != 1:
        return
    (asked,) = group.parts.values()
    (required,) = group.requires.values()
    wanted, names = _leaves(asked), _plain_names(required)
    if not wanted or len(wanted) != len(list(_items(asked))) or not names or not _is_one_type(asked) or asked.typename:
        return
    for fetch in before:
        for path, selection, given in _told_by(fetch):
            held = {**given, **_leaves(selection)}
            if selection.node.name != asked.node.name or not wanted.keys() <= held.keys():
                continue
            if all((name, "") in held for name in names):
                key = tuple((name, held[name, ""]) for name in names)
                yield KnownAt(path, key, tuple((wanted[each], held[each]) for each in wanted))


def _told_by(fetch: FetchDraft) -> Iterator[tuple[tuple[Step, ...], Selection, Keys]]:
    """Where the fetch tells of objects of one type, what it is asked of them, and what else it was given of them."""
    if fetch.root is not None:
        yield from _below((), fetch.root)
    for group in fetch.groups:
        if group.at_root or group.as_interface or len(group.parts) != 1 or len(group.requires) != 1:
            continue
        if any(len(step.possible) > 1 for step in group.path):
            continue
        ((selection,), (required,)) = group.parts.values(), group.requires.values()
        if not _is_one_type(selection):
            continue
        path = tuple(Step(step.key) for step in group.path)
        plain = (each for each in required if isinstance(each, RequiredField) and not each.selections)
        yield path, selection, {(each.name, ""): each.source for each in plain}
        yield from _below(path, selection)


def _below(path: tuple[Step, ...], selection: Selection) -> Iterator[tuple[tuple[Step, ...], Selection, Keys]]:
    for item in _items(selection):
        # What only the plan reads is no place that a client's answer has.
        if item.value is None or not item.field.key or not _is_one_type(item.value):
            continue
        here = (*path, Step(item.key))
        yield here, item.value, {}
        yield from _below(here, item.value)


def _is_one_type(selection: Selection) -> bool:
    return selection.node.possible == {selection.node.name} and not selection.node.is_interface_object


def _leaves(selection: Selection) -> Keys:
    return {(item.field.name, item.field.arguments): item.key for item in _items(selection) if _is_plain(item)}


def _items(selection: Selection) -> Iterator[Item]:
    return (item for item in selection.items.values() if item.conditions != NEVER)


def _is_plain(item: Item) -> bool:
    """One value, that nothing but the field's own arguments decides."""
    return item.value is None and not item.contexts and "[" not in item.type_text


def _plain_names(required: Requirements) -> list[str]:
    """The fields of a representation; none where not all of them are leaves."""
    fields = [each for each in required if isinstance(each, RequiredField) and not each.selections]
    return [each.name for each in fields] if len(fields) == len(required) else []
