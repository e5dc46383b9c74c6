"""What several fields require of one object, as one representation. In: requirements. Out: their union, or none."""

from __future__ import annotations

from gateway.plan.nodes import RequiredField, RequiredFragment
from gateway.planner.fetch_graph import Requirements


def joined_requirements(left: Requirements, right: Requirements) -> Requirements | None:
    """One representation that holds both; None when a name would have to stand for two things."""
    found = list(left)
    for item in right:
        at = next((index for index, own in enumerate(found) if _same_place(own, item)), None)
        if at is None:
            found.append(item)
            continue
        joined = _joined(found[at], item)
        if joined is None:
            return None
        found[at] = joined
    return tuple(found)


def _same_place(own: RequiredField | RequiredFragment, other: RequiredField | RequiredFragment) -> bool:
    match own, other:
        case RequiredField(), RequiredField():
            return own.name == other.name
        case RequiredFragment(), RequiredFragment():
            return own.types == other.types
        case _:
            return False


def _joined(
    own: RequiredField | RequiredFragment, other: RequiredField | RequiredFragment
) -> RequiredField | RequiredFragment | None:
    inner = joined_requirements(own.selections, other.selections)
    if inner is None:
        return None
    match own, other:
        case RequiredField(), RequiredField():
            return RequiredField(own.name, own.source, inner) if own.source == other.source else None
        case RequiredFragment(types), _:
            return RequiredFragment(types, inner)
        case _:
            return None
