"""The ways of measuring a deviation, and what of a triangle was measured to."""

import enum
from dataclasses import dataclass
from typing import TypeAlias

from kernels.distance import formula


class Feature(enum.IntEnum):
    """Of the caller's triangle (a, b, c)."""

    NONE = -1
    FACE = formula.FACE
    EDGE_AB = formula.EDGE_AB
    EDGE_BC = formula.EDGE_BC
    EDGE_CA = formula.EDGE_CA
    CORNER_A = formula.CORNER_A
    CORNER_B = formula.CORNER_B
    CORNER_C = formula.CORNER_C


@dataclass(frozen=True)
class Shortest:
    """To the closest point of the surface."""


@dataclass(frozen=True)
class AlongNormal:
    """To the closest point of the surface, and of that offset the part along the surface's normal there.

    On a face it is the shortest distance. Beside an open rim, and over the outside of an edge, it is less: what points
    past the surface is left out.
    """


@dataclass(frozen=True)
class AlongDirection:
    """To where the line through the point along `direction` (of any length) crosses the surface nearest, either way.

    Negative inside, as always: with `normal` the caller can tell how much that is along the direction.
    """

    direction: tuple[float, float, float]


Way: TypeAlias = Shortest | AlongNormal | AlongDirection
