"""What the search says: which subgraph gives which field, and by which jumps.

In: nothing. Out: frozen values, made by `solve.py`, turned into fetches by `emit.py`.

The cost of a solution is a set of marks: one mark says "at this stage, a request to this subgraph". Stages count the
requests that have to come before. Fetches to one subgraph at one stage become one request, so a mark counts once
however often it is needed, and the union of the marks of two parts is the cost of both. What comes later in the answer
is requested apart: such a mark names the part of the answer, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.operation.model import Field
from gateway.plan.deferral import FIRST, Part
from gateway.query_graph.model import TypeNode

Lane = str | tuple[str, Part]
Marks = frozenset[tuple[int, Lane]]
NOTHING: Marks = frozenset()


def lane_of(node: TypeNode, part: Part) -> Lane:
    """Where requests for this part of the answer go."""
    return (node.subgraph, part) if part else node.subgraph


def later(marks: Marks, stages: int) -> Marks:
    """The marks when everything starts so many stages later."""
    if not marks or not stages:
        return marks
    return frozenset((stage + stages, lane) for stage, lane in marks)


def depth_of(marks: Marks) -> int:
    """The last stage; zero when nothing has to be fetched."""
    return max((stage for stage, _ in marks), default=0)


@dataclass(frozen=True, slots=True)
class Placed:
    """A field that a visit fetches, and how its own selections are solved (None for a leaf)."""

    field: Field
    value: Solution | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay in one subgraph at one place of the response.

    node: the type that the objects are there; None for the stay that the place began with.
    inputs: what entering needs, found in the visits numbered in `feeds`.
    inner: for an entry by an interface, what is fetched once the concrete types are known.
    part: the part of the answer that it is made for.
    """

    node: TypeNode | None
    inputs: tuple[Field, ...]
    feeds: frozenset[int]
    fields: tuple[Placed, ...] = ()
    inner: Solution | None = None
    part: Part = FIRST


@dataclass(frozen=True, eq=False, slots=True)
class PlacePlan:
    """The visits of one place for objects of one concrete type (or of an interface object, whatever they are).

    A visit's feeds may have higher numbers than its own; they never go in circles.
    """

    visits: tuple[Visit, ...]
    marks: Marks
    leftover: tuple[Field, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Solution:
    """How the selections at one place are fetched, starting in `node`.

    everywhere: fields that the starting visit fetches for all types alike.
    by_type: for each concrete type what else is fetched; None where the type is known or does not matter.
    leftover: selections that no key of this place leads to; the parent has to come here by another way.
    """

    node: TypeNode
    everywhere: tuple[Placed, ...]
    by_type: tuple[tuple[str | None, PlacePlan], ...]
    marks: Marks
    leftover: tuple[Field, ...]
