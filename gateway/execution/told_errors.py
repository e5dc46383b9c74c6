"""The errors of an execution, dealt out to the pieces of an answer that comes bit by bit.

In: the state and shape of one execution. Out: for each piece the errors of the places that it shows. What no piece
shows, because it stands at a place that was sent before, goes out with the first piece of the part that it came with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.errors import ErrorCode
from gateway.execution.cut_projection import CutProjection, MetList, Shows, shows_place
from gateway.execution.denied import denied_at, denied_below
from gateway.execution.failures import ToldFailure
from gateway.execution.fetching import State
from gateway.execution.later_items import LaterItems
from gateway.execution.reporting import Reporting
from gateway.execution.response import ResponseError, ResponsePath
from gateway.plan.deferral import FIRST, Part
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Object

Came = list[tuple[Part, list[ResponseError]]]
"""The pieces that came together: each one's part, and its errors."""


class ToldErrors:
    def __init__(self, plan: QueryPlan, state: State, items: LaterItems, reporting: Reporting) -> None:
        assert plan.deferral is not None
        self._items = items
        self._shape, self._state, self._reporting = plan.shape, state, reporting
        self._part_of = {number: each.part for each in plan.deferral.parts for number in _fetches_in(each.node)}
        self._sent: set[tuple[int, ResponsePath | None]] = set()
        self._told: list[ToldFailure] = []
        self._denied = plan.denied
        self._by_place: Mapping[ResponsePath, list[ToldFailure]] = {}

    def look(self) -> CutProjection:
        """See what has gone wrong by now; a projection that knows it."""
        failures = self._state.failures
        self._told = failures.told_by(self._shape) if failures else []
        by_place: dict[ResponsePath, list[ToldFailure]] = {}
        for told in self._told:
            for length in range(len(told.path) + 1) if told.path else ():
                by_place.setdefault(told.path[:length], []).append(told)  # type: ignore[index]
        self._by_place = by_place
        explained = {told.path for told in self._told if told.path}
        covered = failures.places_covered(self._shape)
        return CutProjection(self._state.variables, explained | covered, self._items.counts)

    def at_first(self, projection: CutProjection) -> list[ResponseError]:
        """Those of the first answer, and what was odd about the data."""
        denied = self._denied_in(self._shape, (), lambda field: field.part == FIRST)
        return denied + self._reported((told for told in self._told if self._place(told) == FIRST), projection)

    def of_piece(
        self, shape: Object, path: ResponsePath, shows: Shows, projection: CutProjection
    ) -> list[ResponseError]:
        """Those of the piece that was cut last."""
        here = self._by_place.get(path, ())
        shown = (told for told in here if told.path and shows_place(shape, told.path[len(path) :], shows))
        return self._denied_in(shape, path, shows) + self._reported(shown, projection)

    def _denied_in(self, shape: Object, path: ResponsePath, shows: Shows) -> list[ResponseError]:
        if not self._denied:
            return []
        places = denied_below(self._denied, self._state.variables, path)
        return [denied_at(place) for place in places if shows_place(shape, place[len(path) :], shows)]

    def of_later(self, met: MetList, projection: CutProjection) -> list[ResponseError]:
        """Those of the later items that were cut last."""
        part = frozenset((met.stream.id,))
        here = self._by_place.get(met.path, ())
        return self._reported((told for told in here if self._place(told) == part), projection)

    def add_left_over(self, came: Came, complete: set[int]) -> None:
        """Those that a part's fetches brought for places that were sent before go to the first of its pieces."""
        for part, errors in came if self._told else ():
            late = (
                told
                for told in self._told
                if (id(told.cause), told.path) not in self._sent
                and self._part_of.get(told.cause.order, FIRST) & part
                and self._place(told) <= complete
            )
            errors += self._reported(late, None)

    def unexplained(self, path: ResponsePath) -> ResponseError:
        """For a piece that is gone for a reason that was told before."""
        if denied_below(self._denied, self._state.variables, path):
            return denied_at(path)
        message = "What was to come here later cannot be shown."
        return self._reporting.error(ErrorCode.INTERNAL, message, path, None, self._state.caller.trace_id)

    def _place(self, told: ToldFailure) -> Part:
        """The part with which the place of the failure comes."""
        return self._items.part_of(self._state.tree, told.path or ())

    def _reported(self, tolds: Iterable[ToldFailure], projection: CutProjection | None) -> list[ResponseError]:
        report, trace_id = self._reporting.error, self._state.caller.trace_id
        found = []
        for told in tolds:
            cause = told.cause
            self._sent.add((id(cause), told.path))
            found.append(report(cause.code, cause.message, told.path, cause.subgraph, trace_id, cause.extensions))
        if projection is not None:
            misfits, projection.misfits = projection.misfits, []
            found += [report(ErrorCode.INTERNAL, each.message, each.path, None, trace_id) for each in misfits]
        return found[: self._reporting.max_errors]


def _fetches_in(node: Node) -> Iterator[int]:
    match node:
        case Fetch(id=number):
            yield number
        case Sequence(nodes) | Parallel(nodes):
            for each in nodes:
                yield from _fetches_in(each)
        case Condition(node=inner):
            yield from _fetches_in(inner)
