"""Find where a fetch asks a subgraph for what that subgraph has told of the same objects before.

In: the fetches of a query, finished but for this. Out: the same ones; groups know the places at which their objects may
stand with all that is asked of them. Only leaves by plain keys, and only places at which objects of one type stand:
there executors can look objects up for less than a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from gateway.operation.conditions import NEVER
from gateway.plan.nodes import KnownAt, RequiredField, Step
from gateway.planner.fetch_graph import FetchDraft, Group, Item, Requirements, Selection

_MOST_PLACES = 4
# Of one type, in one fetch: a bound for operations that ask the same under a thousand names.
_MOST_LOOKED_AT = 32
Keys = dict[tuple[str, str], str]
"""Where a leaf stands, by its field's name and arguments."""


class Telling(NamedTuple):
    """A place where a fetch tells of objects.

    asked: what it is asked of them for the client. plain: all by which they may be found, what the plan alone reads or
    it was given included.
    """

    path: tuple[Step, ...]
    asked: Keys
    plain: Keys


Told = dict[str, list[Telling]]
"""What one fetch tells of objects, by their type."""


def know_again(fetches: list[FetchDraft]) -> list[FetchDraft]:
    """The fetches, whose groups say where their objects may be known already."""
    told = {fetch: _told_by(fetch) for fetch in fetches}
    for fetch in fetches:
        before = [told[one] for one in _before(fetch, fetches) if one.subgraph == fetch.subgraph]
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


def _places(group: Group, before: list[Told]) -> Iterator[KnownAt]:
    if len(group.parts) != 1 or len(group.requires) != 1:
        return
    (asked,) = group.parts.values()
    (required,) = group.requires.values()
    items, names = list(_items(asked)), _plain_names(required)
    wanted = _keys(items)
    if not items or not all(map(_is_plain, items)) or len(wanted) != len(items):
        return
    if not names or not _is_one_type(asked) or asked.typename:
        return
    for told in before:
        for place in told.get(asked.node.name, ()):
            if wanted.keys() <= place.asked.keys() and all((name, "") in place.plain for name in names):
                key = tuple((name, place.plain[name, ""]) for name in names)
                yield KnownAt(place.path, key, tuple((wanted[each], place.asked[each]) for each in wanted))


def _told_by(fetch: FetchDraft) -> Told:
    """Where the fetch tells of objects of one type."""
    found: Told = {}
    if fetch.root is not None:
        _note_below(found, (), fetch.root)
    for group in fetch.groups:
        if group.at_root or group.as_interface or len(group.parts) != 1 or len(group.requires) != 1:
            continue
        ((selection,), (required,)) = group.parts.values(), group.requires.values()
        if all(len(step.possible) == 1 for step in group.path) and _is_one_type(selection):
            plain = (each for each in required if isinstance(each, RequiredField) and not each.selections)
            given = {(each.name, ""): each.source for each in plain}
            _note(found, tuple(Step(step.key) for step in group.path), selection, given)
    return found


def _note(found: Told, path: tuple[Step, ...], selection: Selection, given: Keys) -> None:
    tellings = found.setdefault(selection.node.name, [])
    if len(tellings) < _MOST_LOOKED_AT:
        plain = [item for item in _items(selection) if _is_plain(item)]
        asked = _keys(item for item in plain if item.is_shown)
        tellings.append(Telling(path, asked, {**given, **_keys(plain)}))
    _note_below(found, path, selection)


def _note_below(found: Told, path: tuple[Step, ...], selection: Selection) -> None:
    for item in _items(selection):
        # What only the plan reads is no place that a client's answer has.
        if item.value is not None and item.is_shown and _is_one_type(item.value):
            _note(found, (*path, Step(item.key)), item.value, {})


def _is_one_type(selection: Selection) -> bool:
    return selection.node.possible == {selection.node.name} and not selection.node.is_interface_object


def _keys(items: Iterable[Item]) -> Keys:
    return {(item.field.name, item.field.arguments): item.key for item in items}


def _items(selection: Selection) -> Iterator[Item]:
    return (item for item in selection.items.values() if item.conditions != NEVER)


def _is_plain(item: Item) -> bool:
    """One value, that nothing but the field's own arguments decides."""
    return item.value is None and not item.contexts and "[" not in item.type_text


def _plain_names(required: Requirements) -> list[str]:
    """The fields of a representation; none where not all of them are leaves."""
    fields = [each for each in required if isinstance(each, RequiredField) and not each.selections]
    return [each.name for each in fields] if len(fields) == len(required) else []
