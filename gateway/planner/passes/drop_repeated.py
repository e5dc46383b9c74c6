"""Drop from every selection what it asks twice: leaves asked of one concrete type that are asked of all types anyway.

In: all fetches. Out: the same ones, smaller. A leaf that every concrete type of an interface is asked for alike is
asked of the interface once.
"""

from __future__ import annotations

from gateway.operation.conditions import NEVER, either
from gateway.planner.fetch_graph import FetchDraft, Item, Selection, selections_of


def drop_repeated(fetches: list[FetchDraft]) -> list[FetchDraft]:
    """The fetches, with nothing asked twice."""
    for fetch in fetches:
        for selection in selections_of(fetch):
            _tidy(selection)
    return fetches


def _tidy(selection: Selection) -> None:
    by_key: dict[str, list[Item]] = {}
    for item in selection.items.values():
        if item.value is not None:
            _tidy(item.value)
        elif item.concrete is not None:
            by_key.setdefault(item.key, []).append(item)
    for key, items in by_key.items():
        shared = selection.items.get((None, key))
        if shared is None and _is_alike(selection, items):
            edge = selection.node.edges[items[0].field.name]
            shared = selection.add(key, items[0].field, None, items[0].conditions, edge.type_text, None)
            shared.shown = items[0].shown if all(item.shown == items[0].shown for item in items) else NEVER
        if shared is None:
            continue
        for item in items:
            same = item.field.name == shared.field.name and item.field.arguments == shared.field.arguments
            if same and either(shared.conditions, item.conditions) == shared.conditions:
                del selection.items[(item.concrete, key)]


def _is_alike(selection: Selection, items: list[Item]) -> bool:
    """Whether the items ask every concrete type for one field of the abstract type, under the same conditions."""
    first = items[0]
    return (
        {item.concrete for item in items} >= selection.node.possible
        and first.field.name in selection.node.edges
        and not first.contexts
        and all(item.field.name == first.field.name for item in items)
        and all(item.field.arguments == first.field.arguments for item in items)
        and all(item.conditions == first.conditions for item in items)
    )
