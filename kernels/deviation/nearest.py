"""Medians of the values of the points nearest to places: a grid of cells where points lie as densely as usual.

In: points with values, places. Out: for each place the median value of its so many nearest points, and how far the
farthest of those is. Exact: a place is settled by its cells when so many points lie nearer than any that are not in
them; the few that are not (strays, and what lies much more densely than the rest) are asked of a tree of all points.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from kernels.arrays import Float64s, Int64s
from kernels.cells import Cells, bounds_of, cells_of, first_at_least, first_at_least_near, keys_of
from kernels.compiled import compiled, compiled_parallel, inlined, int64
from kernels.device import cores_for

RINGS = 3
"""Of cells around a place's own, at most."""
ROOM = 2048
"""Points in those."""
A_CELL = 0.4
"""Points wanted in a cell, of those that are looked for: then those of the first ring do as a rule."""
_SAMPLE = 50_000
_AT_ONCE = 450_000
"""Neighbours of a tree that are held at a time."""
CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Nearest:
    """For many questions about one cloud."""

    cells: Cells
    values: Float64s
    """(n,) in the order of the cells."""
    count: int
    """How many are looked for."""

    @classmethod
    def among(cls, points: Float64s, values: Float64s, count: int) -> "Nearest":
        """(n, 3) points with (n,) values; `count` of them, and one more where each leaves itself out."""
        cells = cells_of(points, _side(points, A_CELL * count))
        return cls(cells, values[cells.order], count)

    def around(self, places: Float64s) -> tuple[Float64s, Float64s]:
        """(p,) medians and reaches of places that are anywhere."""
        return self._found(places, np.full(len(places), -1, np.int64))

    def around_each(self) -> tuple[Float64s, Float64s]:
        """(n,) the same of all points, each without itself."""
        # In the order of the cells: what one place reads, the next one finds at hand.
        places, order = self.cells.points, self.cells.order
        medians, reaches = np.empty(len(places)), np.empty(len(places))
        medians[order], reaches[order] = self._found(places, np.arange(len(places)))
        return medians, reaches

    def alone(self, differing: float, apart: float) -> NDArray[np.bool_]:
        """(n,) True for a point whose value differs by more than that from its neighbours' median, or whose farthest
        neighbour is farther than `apart`.

        Most are told by the cells beside their own: all of their neighbours are in those, and every value there is
        within `differing`.
        """
        cells = self.cells
        left = np.arange(len(cells.points))
        # A neighbour that is known to be in those cells is no farther.
        if 1.5 * cells.side < apart:
            like = np.zeros(len(cells.points), np.bool_)
            with cores_for(len(cells.points)):
                # A median is rounded once more than the values that it is of.
                mark_like_all_beside(
                    cells.points, self.values, cells.keys, cells.low, cells.spans, cells.side,
                    self.count, differing * (1.0 - 1e-9), like,
                )  # fmt: skip
            left = np.flatnonzero(~like)
        medians, reaches = self._found(cells.points[left], left)
        found = np.zeros(len(cells.points), np.bool_)
        found[cells.order[left]] = (np.abs(self.values[left] - medians) > differing) | (reaches > apart)
        return found

    def _found(self, places: Float64s, own: Int64s) -> tuple[Float64s, Float64s]:
        """own: which point in the order of the cells each place is, and leaves out; -1 for none."""
        cells = self.cells
        medians, reaches = np.empty(len(places)), np.empty(len(places))
        with cores_for(len(places), CHUNK):
            settle(
                cells.points, self.values, cells.keys, cells.low, cells.spans, cells.side,
                np.ascontiguousarray(places), own, self.count, medians, reaches,
            )  # fmt: skip
        left = np.flatnonzero(np.isnan(reaches))
        if len(left):
            medians[left], reaches[left] = self._by_tree(places[left], own[left])
        return medians, reaches

    def _by_tree(self, places: Float64s, own: Int64s) -> tuple[Float64s, Float64s]:
        tree = quick_tree(self.cells.points)
        medians, reaches = np.empty(len(places)), np.empty(len(places))
        step, most = max(1, _AT_ONCE // self.count), min(self.count + 1, len(self.values))
        for start in range(0, len(places), step):
            rows = slice(start, start + step)
            apart, near = nearest_in(tree, places[rows], most)
            others = near != own[rows, None]
            if most > self.count:
                # The place itself goes, or else the farthest.
                others[others.all(axis=1), -1] = False
            kept = near[others].reshape(-1, self.count)
            medians[rows] = np.median(self.values[kept], axis=1)
            reaches[rows] = apart[others].reshape(-1, self.count)[:, -1]
        return medians, reaches


def quick_tree(points: Float64s) -> "cKDTree[None]":
    """For few questions: it is built in a third of the time that a balanced one takes."""
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def nearest_in(tree: "cKDTree[None]", places: Float64s, count: int) -> tuple[Float64s, NDArray[np.intp]]:
    """(p, count) distances and rows of the nearest points, nearest first."""
    apart, near = tree.query(places, k=np.arange(1, count + 1), workers=-1)
    return np.asarray(apart, np.float64), np.asarray(near, np.intp)


def _side(points: Float64s, wanted: float) -> float:
    """Of cells that hold so many points each, where there are any; told by a sample, as on a surface."""
    sample = points[:: max(1, len(points) // _SAMPLE)]
    low, high = bounds_of(points)
    extent = max(float((high - low).max()), 1e-300)
    side = extent * float(np.sqrt(wanted / len(sample)))
    for _ in range(6):
        places = np.floor((sample - low) / side).astype(np.int64)
        held = len(sample) / len(np.unique(keys_of(places)[0]))
        if 0.8 * wanted <= held <= 1.25 * wanted:
            break
        side = min(side * float(np.sqrt(wanted / held)), extent)
    return side * float(np.sqrt(len(sample) / len(points)))


@compiled
def put_first(keys: Float64s, others: Float64s, count: int, first: int) -> None:
    """Hoare's quickselect: afterwards the `first` least of `count` keys come first; `others` go with them."""
    low, high, kth = int64(0), int64(count - 1), int64(first - 1)
    while low < high:
        a, b, c = keys[low], keys[(low + high) >> 1], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while keys[i] < pivot:
                i += 1
            while keys[j] > pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                others[i], others[j] = others[j], others[i]
                i += 1
                j -= 1
        if kth <= j:
            high = j
        elif kth >= i:
            low = i
        else:
            return


@compiled
def median_of(values: Float64s, spare: Float64s, count: int) -> float:
    """Of the first `count` values, which are put in another order."""
    half = (count + 1) // 2
    put_first(values, spare, count, half)
    below: float = values[0]
    for i in range(1, half):
        below = max(below, values[i])
    if count % 2:
        return below
    above: float = values[half]
    for i in range(half + 1, count):
        above = min(above, values[i])
    return 0.5 * (below + above)


@inlined
def cells_around(offset: float, ring: int, span: int) -> tuple[int, int, float]:
    """First and last cell of an axis, and how many sides away from the place those end at least."""
    cell = int64(np.floor(offset))
    share = offset - cell
    return max(cell - ring, 0), min(cell + ring, span - 1), min(share, 1.0 - share) + ring


@compiled
def gather(
    points: Float64s,
    values: Float64s,
    keys: Int64s,
    low: Float64s,
    spans: Int64s,
    side: float,
    place: Float64s,
    own: int,
    ring: int,
    squared: Float64s,
    found: Float64s,
) -> tuple[int, float]:
    """How many points lie in the cells up to a ring (-1 for too many), and how far any point not in them is."""
    count = int64(0)
    first_x, last_x, free_x = cells_around((place[0] - low[0]) / side, ring, spans[0])
    first_y, last_y, free_y = cells_around((place[1] - low[1]) / side, ring, spans[1])
    first_z, last_z, free_z = cells_around((place[2] - low[2]) / side, ring, spans[2])
    free = min(free_x, free_y, free_z) * side
    for i in range(first_x, last_x + 1):
        for j in range(first_y, last_y + 1):
            column = (i * spans[1] + j) * spans[2]
            row, end = first_at_least(keys, column + first_z), column + last_z
            while row < len(keys) and keys[row] <= end:
                if row != own:
                    if count == ROOM:
                        return int64(-1), free
                    x, y, z = points[row, 0] - place[0], points[row, 1] - place[1], points[row, 2] - place[2]
                    squared[count], found[count] = x * x + y * y + z * z, values[row]
                    count += 1
                row += 1
    return count, free


@compiled
def settle_one(
    points: Float64s,
    values: Float64s,
    keys: Int64s,
    low: Float64s,
    spans: Int64s,
    side: float,
    place: Float64s,
    own: int,
    wanted: int,
    squared: Float64s,
    found: Float64s,
) -> tuple[float, float]:
    """Median and reach; NaN where the cells do not tell."""
    for ring in range(1, RINGS + 1):
        count, free = gather(points, values, keys, low, spans, side, place, own, ring, squared, found)
        if count < 0:
            break
        if count < wanted:
            continue
        put_first(squared, found, count, wanted)
        farthest = squared[0]
        for i in range(1, wanted):
            farthest = max(farthest, squared[i])
        if farthest <= free * free:
            return median_of(found, squared, wanted), np.sqrt(farthest)
    return np.nan, np.nan


@compiled_parallel
def settle(
    points: Float64s,
    values: Float64s,
    keys: Int64s,
    low: Float64s,
    spans: Int64s,
    side: float,
    places: Float64s,
    own: Int64s,
    wanted: int,
    medians: Float64s,
    reaches: Float64s,
) -> None:
    count = places.shape[0]
    for chunk in prange((count + CHUNK - 1) // CHUNK):
        squared, found = np.empty(ROOM), np.empty(ROOM)
        for i in range(chunk * CHUNK, min(count, (chunk + 1) * CHUNK)):
            medians[i], reaches[i] = settle_one(
                points, values, keys, low, spans, side, places[i], own[i], wanted, squared, found
            )


@compiled_parallel
def mark_like_all_beside(
    points: Float64s,
    values: Float64s,
    keys: Int64s,
    low: Float64s,
    spans: Int64s,
    side: float,
    wanted: int,
    differing: float,
    like: NDArray[np.bool_],
) -> None:
    """Mark the points whose `wanted` nearest lie in their cell and those beside it, where all values are near theirs.

    Points are in the order of their cells, so each column of cells begins near where it began for the point before.
    """
    count = points.shape[0]
    for chunk in prange((count + CHUNK - 1) // CHUNK):
        begins = np.zeros(9, np.int64)
        for i in range(chunk * CHUNK, min(count, (chunk + 1) * CHUNK)):
            first_x, last_x, free_x = cells_around((points[i, 0] - low[0]) / side, 1, spans[0])
            first_y, last_y, free_y = cells_around((points[i, 1] - low[1]) / side, 1, spans[1])
            first_z, last_z, free_z = cells_around((points[i, 2] - low[2]) / side, 1, spans[2])
            free = min(free_x, free_y, free_z) * side
            others, least, most = int64(-1), values[i], values[i]
            for x in range(first_x, last_x + 1):
                for y in range(first_y, last_y + 1):
                    known = (x - first_x) * 3 + y - first_y
                    column = (x * spans[1] + y) * spans[2]
                    row, end = first_at_least_near(keys, column + first_z, begins[known]), column + last_z
                    begins[known] = row
                    while row < count and keys[row] <= end:
                        a, b, c = (
                            points[row, 0] - points[i, 0],
                            points[row, 1] - points[i, 1],
                            points[row, 2] - points[i, 2],
                        )
                        others += int64(a * a + b * b + c * c <= free * free)
                        least, most = min(least, values[row]), max(most, values[row])
                        row += 1
            like[i] = others >= wanted and most - values[i] <= differing and values[i] - least <= differing
