"""The errors of what the caller may not see: known before anything is fetched, one for each place.

In: the denied places of a plan, and variables. Out: errors, for those places that are asked for under these variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.errors import Unauthorised
from gateway.execution.projection import alternative_holds
from gateway.execution.response import ResponseError, ResponsePath
from gateway.plan.shape import Denied

_ITEM = "@"


def denied_errors(denied: Iterable[Denied], variables: Mapping[str, object]) -> list[ResponseError]:
    """In the client's order, each place once."""
    return [denied_at(path) for path in _asked(denied, variables)]


def denied_at(path: ResponsePath) -> ResponseError:
    return ResponseError(Unauthorised.MESSAGE, Unauthorised.code, path)


def refuse_denied(denied: Iterable[Denied], variables: Mapping[str, object]) -> None:
    """Raises `Unauthorised` where any of the places is asked for."""
    if paths := _asked(denied, variables):
        raise Unauthorised(paths)


def denied_below(denied: Iterable[Denied], variables: Mapping[str, object], path: ResponsePath) -> list[ResponsePath]:
    """Those within one object of the answer, with that object's own place before them."""
    return [
        (*path, *place[len(path) :])
        for place in _asked(denied, variables)
        if len(place) > len(path) and all(map(_stands_for, place, path))
    ]


def _asked(denied: Iterable[Denied], variables: Mapping[str, object]) -> list[tuple[str, ...]]:
    asked = (each.path for each in denied if all(alternative_holds(rows, variables) for rows in each.when))
    return list(dict.fromkeys(asked))


def _stands_for(pattern: str, step: str | int) -> bool:
    return pattern == (_ITEM if isinstance(step, int) else step)
