"""What several fields require of one object, as one representation. In: fields or requirements. Out: their union."""

from __future__ import annotations

from gateway.operation.model import Field
from gateway.plan.nodes import RequiredField, RequiredFragment
from gateway.planner.fetch_graph import Requirements
from gateway.planner.response_keys import ResponseKeys


def requirements_of(fields: tuple[Field, ...], keys: ResponseKeys) -> Requirements:
    """Where the fields' values stand in the tree."""
    found: Requirements = ()
    for field in fields:
        if field.name == "__typename":
            continue
        key = keys.key_of(field)
        required = RequiredField(field.name, key, requirements_of(field.selections, keys.below(key)))
        one = (required if field.types is None else RequiredFragment(field.types, (required,)),)
        joined = joined_requirements(found, one)
        # Nobody takes two fields that one name would stand for.
        assert joined is not None, (found, one)
        found = joined
    return found


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
