"""Deal out an answer in pieces: what to send first, and what whenever more deferred fragments are complete.

In: a plan that defers, the state of its execution, and the fragments whose fetches are over. Out: `Piece`s, in one of
two spellings (`pieces.py`). A fragment stands at every object of its place: each of those is announced, sent and
completed by itself. Where a null takes an object of the answer along, nothing of what was deferred in it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.execution.cut_projection import CutProjection, Met, MetList, Tree
from gateway.execution.fetching import State
from gateway.execution.later_items import LaterItems
from gateway.execution.pieces import Announced, Completed, Increment, MoreItems, Piece, Spelling
from gateway.execution.reporting import Reporting
from gateway.execution.response import Response, ResponseError, ResponsePath
from gateway.execution.told_errors import Came, ToldErrors
from gateway.plan.deferral import FIRST, DeferHere, DeferredFragment, Part
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Object, ShapeField


class Delivery(Protocol):
    """`is_open`: whether more will be sent."""

    @property
    def is_open(self) -> bool: ...

    def first(self) -> Piece: ...

    def after(self, complete: set[int]) -> Piece | None: ...


def delivery_of(spelling: Spelling, plan: QueryPlan, state: State, items: LaterItems, reporting: Reporting) -> Delivery:
    errors = ToldErrors(plan, state, items, reporting)
    return (DeliveryByParts if spelling is Spelling.PENDING else DeliveryByFragments)(plan, state.tree, errors)


def _stands_here(here: DeferHere, met: Met) -> bool:
    return not here.types or met.typename in here.types


@dataclass(eq=False, slots=True)
class _Whole:
    """A deferred fragment at one object, to be sent whole."""

    fragment: DeferredFragment
    shape: Object
    tree: Tree
    path: ResponsePath

    def shows(self, field: ShapeField) -> bool:
        return self.fragment.id in field.asked_in


class DeliveryByFragments:
    """The spelling by paths: each fragment comes with all that it asks, even what was sent before."""

    def __init__(self, plan: QueryPlan, tree: Tree, errors: ToldErrors) -> None:
        assert plan.deferral is not None
        self._plan, self._tree, self._errors = plan, tree, errors
        self._fragments = plan.deferral.fragments
        self._open: list[_Whole] = []
        self._lists: list[MetList] = []

    @property
    def is_open(self) -> bool:
        return bool(self._open or self._lists)

    def first(self) -> Piece:
        projection = self._errors.look()
        data = projection.cut(self._plan.shape, self._tree, (), _comes_at_once)
        self._open, self._lists = self._met(projection, 0), projection.lists_met()
        return Piece(Response(data, self._errors.at_first(projection)), has_next=self.is_open)

    def after(self, complete: set[int]) -> Piece | None:
        projection = self._errors.look()
        increments: list[Increment | MoreItems] = []
        came: Came = []
        ended, self._lists = _ended(self._lists, complete)
        for met in ended:
            later = _Later(met, projection, self._errors)
            self._open += self._met(projection, 0)
            if later.items:
                increments.append(MoreItems(met.path, met.at_once, later.items, later.errors, met.stream.label))
            if later.end is not None:
                broken = met.at_once + len(later.items)
                increments.append(MoreItems(met.path, broken, None, later.end, met.stream.label))
            came.append((frozenset((met.stream.id,)), later.end or later.errors))
        while ready := [each for each in self._open if each.fragment.id in complete]:
            self._open = [each for each in self._open if each.fragment.id not in complete]
            for whole in ready:
                data = projection.cut(whole.shape, whole.tree, whole.path, whole.shows)
                errors = self._errors.of_piece(whole.shape, whole.path, whole.shows, projection)
                self._open += self._met(projection, whole.fragment.id)
                increments.append(Increment(whole.path, data, errors, whole.fragment.label))
                came.append((frozenset((whole.fragment.id,)), errors))
        self._errors.add_left_over(came, complete)
        return Piece(increments=increments, has_next=self.is_open) if increments else None

    def _met(self, projection: CutProjection, parent: int) -> list[_Whole]:
        """The fragments that stand directly in what was cut last."""
        return [
            _Whole(self._fragments[here.fragment - 1], met.shape, met.tree, met.path)
            for met in projection.met()
            for here in met.shape.defers
            if self._fragments[here.fragment - 1].parent == parent and _stands_here(here, met)
        ]


@dataclass(eq=False, slots=True)
class _Fragment:
    """A deferred fragment at one object. `closed`: nothing of it will be sent any more."""

    fragment: DeferredFragment
    path: ResponsePath
    within: list[_Fragment] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=list)
    announced: Announced | None = None
    closed: bool = False


_Around = Mapping[int, _Fragment]


@dataclass(eq=False, slots=True)
class _Group:
    """The fields of one part at one object: what is sent at once, for whichever of its fragments completes first."""

    part: Part
    met: Met
    around: _Around
    cut: bool = False
    sent: bool = False
    data: dict[str, object] | None = None
    errors: list[ResponseError] = field(default_factory=list)

    def shows(self, field: ShapeField) -> bool:
        return field.part == self.part


class DeliveryByParts:
    """The spelling with announcements: every field comes once."""

    def __init__(self, plan: QueryPlan, tree: Tree, errors: ToldErrors) -> None:
        assert plan.deferral is not None
        self._plan, self._tree, self._errors = plan, tree, errors
        self._fragments = plan.deferral.fragments
        self._outermost: list[_Fragment] = []
        self._open: list[_Fragment] = []
        self._lists: list[MetList] = []
        self._announced_at: dict[ResponsePath, Announced] = {}
        self._count = 0

    @property
    def is_open(self) -> bool:
        return bool(self._open or self._lists)

    def first(self) -> Piece:
        projection = self._errors.look()
        data = projection.cut(self._plan.shape, self._tree, (), _comes_at_once)
        self._lists = projection.lists_met()
        self._look_around(projection.met(), FIRST, {(): {}})
        announced = [*self._announce(self._outermost), *map(self._announce_list, self._lists)]
        return Piece(Response(data, self._errors.at_first(projection)), announced, has_next=self.is_open)

    def after(self, complete: set[int]) -> Piece | None:
        projection = self._errors.look()
        announced: list[Announced] = []
        increments: list[Increment | MoreItems] = []
        completed: list[Completed] = []
        came: Came = []
        ended, self._lists = _ended(self._lists, complete)
        for met in ended:
            of = self._announced_at.pop(met.path)
            known = len(self._outermost)
            later = _Later(met, projection, self._errors)
            self._look_around(projection.met(), FIRST, {met.path: {}})
            announced += self._announce(self._outermost[known:])
            if later.items:
                increments.append(MoreItems(met.path, met.at_once, later.items, later.errors, of=of))
            completed.append(Completed(of.id, later.end or ()))
            came.append((frozenset((met.stream.id,)), later.end or later.errors))
        while ready := [each for each in self._open if each.fragment.id in complete]:
            self._open = [each for each in self._open if each.fragment.id not in complete]
            for fragment in ready:
                assert fragment.announced is not None
                failed = self._cut_all(fragment, projection)
                if failed is None:
                    came += [(group.part, group.errors) for group in fragment.groups]
                    increments += [self._sent(group, fragment) for group in fragment.groups if not group.sent]
                    announced += self._announce(fragment.within)
                else:
                    came.append((frozenset((fragment.fragment.id,)), failed))
                    _close(fragment)
                completed.append(Completed(fragment.announced.id, failed or ()))
                fragment.closed = True
        self._errors.add_left_over(came, complete)
        return Piece(None, announced, increments, completed, self.is_open) if completed else None

    def _announce_list(self, met: MetList) -> Announced:
        found = self._announced_at[met.path] = Announced(str(self._count), met.path, met.stream.label)
        self._count += 1
        return found

    def _cut_all(self, fragment: _Fragment, projection: CutProjection) -> list[ResponseError] | None:
        """Cut every group of the fragment; the errors of those that a null took along, None when there are none."""
        # The list grows: a group may hold objects with more groups of the fragment.
        for group in fragment.groups:
            if not group.cut:
                met = group.met
                group.cut = True
                group.data = projection.cut(met.shape, met.tree, met.path, group.shows)
                group.errors = self._errors.of_piece(met.shape, met.path, group.shows, projection)
                below = [each for each in projection.met() if each.path != met.path]
                self._look_around(below, group.part, {met.path: group.around})
        failed = [group for group in fragment.groups if group.data is None]
        if not failed:
            return None
        # Without any error a client would take the fragment for complete.
        return [error for group in failed for error in group.errors] or [self._errors.unexplained(fragment.path)]

    def _sent(self, group: _Group, fragment: _Fragment) -> Increment:
        """The group's fields, under the announced fragment that stands nearest to them."""
        group.sent = True
        known = [fragment, *(group.around[each] for each in sorted(group.part))]
        of = max(
            (each.announced for each in known if each.announced and not each.closed), key=lambda each: len(each.path)
        )
        return Increment(group.met.path, group.data, group.errors, of=of)

    def _look_around(self, mets: list[Met], part: Part, around_at: dict[ResponsePath, _Around]) -> None:
        """Note the fragments and the fields of other parts that stand in what was cut last."""
        for met in mets:
            above = next(length for length in range(len(met.path), -1, -1) if met.path[:length] in around_at)
            around = around_at[met.path[:above]]
            if met.shape.defers:
                around = around_at[met.path] = self._entered(met, around)
            for other in dict.fromkeys(each.part for each in met.fields if each.part != part):
                group = _Group(other, met, around)
                for each in sorted(other):
                    if not around[each].closed:
                        around[each].groups.append(group)

    def _entered(self, met: Met, around: _Around) -> _Around:
        found = dict(around)
        for here in met.shape.defers:
            if not _stands_here(here, met):
                continue
            kind = self._fragments[here.fragment - 1]
            outer = found[kind.parent] if kind.parent else None
            new = found[here.fragment] = _Fragment(kind, met.path, closed=outer is not None and outer.closed)
            (outer.within if outer else self._outermost).append(new)
        return found

    def _announce(self, fragments: list[_Fragment]) -> list[Announced]:
        """Announce what is still to come; of a fragment of which nothing is, those within it."""
        found: list[Announced] = []
        for each in fragments:
            if each.closed:
                continue
            if any(not group.sent for group in each.groups):
                each.announced = Announced(str(self._count), each.path, each.fragment.label)
                self._count += 1
                found.append(each.announced)
                self._open.append(each)
            else:
                each.closed = True
                found += self._announce(each.within)
        return found


class _Later:
    """The later items of one list. `errors`: theirs; `end`: those that took the rest along, None when none did."""

    def __init__(self, met: MetList, projection: CutProjection, told: ToldErrors) -> None:
        self.items, broke = projection.cut_later(met, _comes_at_once)
        depth, last = len(met.path), met.at_once + len(self.items)
        found = told.of_later(met, projection)
        self.errors = [each for each in found if not broke or _index(each, depth) < last]
        rest = [each for each in found if each not in self.errors]
        self.end = (rest or [told.unexplained(met.path)]) if broke else None


def _index(error: ResponseError, depth: int) -> int:
    step = error.path[depth] if error.path and len(error.path) > depth else 0
    return step if isinstance(step, int) else 0


def _comes_at_once(field: ShapeField) -> bool:
    return field.part == FIRST


def _ended(lists: list[MetList], complete: set[int]) -> tuple[list[MetList], list[MetList]]:
    """Those of which all items are there, and the others."""
    return (
        [each for each in lists if each.stream.id in complete],
        [each for each in lists if each.stream.id not in complete],
    )


def _close(fragment: _Fragment) -> None:
    """With a fragment go those within it."""
    fragment.closed = True
    for each in fragment.within:
        _close(each)
