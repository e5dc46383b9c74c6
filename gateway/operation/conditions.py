"""When a selection is there: @include and @skip, as any-of lists of all-of lists.

In: conditions. Out: conditions, always in one canonical form. `ALWAYS` has one empty alternative; `NEVER` has none.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.plan.shape import Toggle

Alternative = frozenset[Toggle]
Conditions = frozenset[Alternative]

ALWAYS: Conditions = frozenset((frozenset(),))
NEVER: Conditions = frozenset()


def toggle(variable: str, equals: bool) -> Conditions:
    """True when the variable has the value."""
    return frozenset((frozenset((Toggle(variable, equals),)),))


def both(left: Conditions, right: Conditions) -> Conditions:
    """True when both are."""
    if left == ALWAYS:
        return right
    if right == ALWAYS or left == right:
        return left
    return _simplified(one | other for one in left for other in right)


def either(left: Conditions, right: Conditions) -> Conditions:
    """True when one of them is."""
    if left == right:
        return left
    return _simplified(left | right)


def negated(conditions: Conditions) -> Conditions:
    """True when they are not."""
    found = ALWAYS
    for alternative in conditions:
        found = both(found, frozenset(frozenset((Toggle(item.variable, not item.equals),)) for item in alternative))
    return found


def necessary(conditions: Conditions) -> frozenset[Toggle]:
    """The toggles that hold in every alternative."""
    return frozenset.intersection(*conditions) if conditions else frozenset()


def in_order(conditions: Conditions) -> tuple[tuple[Toggle, ...], ...]:
    """The conditions in a fixed order, for plans; empty means always."""
    if conditions == ALWAYS:
        return ()
    rows = [tuple(sorted(alternative, key=_order)) for alternative in conditions]
    return tuple(sorted(rows, key=lambda row: [_order(item) for item in row]))


def _order(item: Toggle) -> tuple[str, bool]:
    return (item.variable, item.equals)


def _simplified(alternatives: Iterable[Alternative]) -> Conditions:
    """Without contradictions and without alternatives that a wider one covers."""
    sound = {a for a in alternatives if len({item.variable for item in a}) == len(a)}
    kept = {a for a in sound if not any(other < a for other in sound)}
    for alternative in list(kept):
        # `x or not x` is always.
        if len(alternative) == 1:
            (item,) = alternative
            if frozenset((Toggle(item.variable, not item.equals),)) in kept:
                return ALWAYS
    return frozenset(kept)
