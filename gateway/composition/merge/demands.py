"""Demands of several subgraphs on one element: all of them hold.

In: @authenticated, @requiresScopes, @policy. Out: their conjunction, in its shortest form.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from gateway.composition.merged import Demands, Merged, Scopes
from gateway.composition.schema import Element, Kind


def demands_of(elements: Iterable[Element]) -> Demands:
    """What all the declarations of one element demand together."""
    found = Demands()
    for element in elements:
        add(
            found,
            Demands(element.has("authenticated"), _groups(element, "requiresScopes"), _groups(element, "policy")),
        )
    return found


def add(to: Demands, other: Demands) -> None:
    """Demand the other's too."""
    to.authenticated = to.authenticated or other.authenticated
    to.scopes = both(to.scopes, other.scopes)
    to.policies = both(to.policies, other.policies)


def both(one: Scopes, other: Scopes) -> Scopes:
    """Groups of which one is met exactly where one of each is met; groups that contain another are left out."""
    if not one or not other:
        return one or other
    groups = {tuple(sorted({*a, *b})) for a, b in product(one, other)}
    kept = [group for group in groups if not any(set(less) < set(group) for less in groups)]
    return tuple(sorted(kept, key=lambda group: (len(group), group)))


def _groups(element: Element, directive: str) -> Scopes:
    found: Scopes = ()
    for applied in element.applied(directive):
        given = applied.groups("scopes" if directive == "requiresScopes" else "policies")
        found = both(found, tuple(map(tuple, given)))
    return found


def carry_demands(merged: Merged) -> None:
    """An interface demands what its implementations demand; a field that an interface object resolves, what both do."""
    for type_ in merged.types.values():
        for name in type_.interfaces:
            interface = merged.types.get(name)
            if interface is None or not interface.has_interface_object or type_.kind is not Kind.OBJECT:
                continue
            for field in interface.fields.values():
                if field.name in type_.fields:
                    add(type_.fields[field.name].demands, field.demands)
    for interface in merged.types.values():
        if interface.kind is not Kind.INTERFACE:
            continue
        for type_ in merged.implementations(interface.name):
            add(interface.demands, type_.demands)
            for field in interface.fields.values():
                if field.name in type_.fields and not type_.fields[field.name].from_interface:
                    add(field.demands, type_.fields[field.name].demands)
