"""Where a plane cuts a mesh, as polylines. In: corners shared between triangles. Out: lines in no particular order."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.arrays import Float64s, as_triangles, as_vertices
from kernels.errors import InvalidParameter


def cut(vertices: ArrayLike, triangles: ArrayLike, point: ArrayLike, normal: ArrayLike) -> list[Float64s]:
    """Polylines (k, 3) of the cut, k at least 2; a closed one repeats its first place at the end."""
    places = as_vertices(vertices)
    corners = as_triangles(triangles, len(places))
    heights = (places - np.asarray(point, np.float64)) @ unit(normal)
    keys, found = _crossings(places, corners, heights)
    if len(keys) == 0:
        return []
    edges, ends = np.unique(keys, return_inverse=True)
    spots = np.empty((len(edges), 3))
    spots[ends.ravel()] = found.reshape(-1, 3)
    return [spots[chain] for chain in _chains(ends.reshape(-1, 2), len(edges))]


def unit(normal: ArrayLike) -> Float64s:
    direction = np.asarray(normal, np.float64)
    if direction.shape != (3,) or not 0 < np.linalg.norm(direction) < np.inf:
        raise InvalidParameter("normal", normal, "three finite numbers, not all zero")
    found: Float64s = direction / np.linalg.norm(direction)
    return found


def _crossings(places: Float64s, corners: NDArray[np.int32], heights: Float64s) -> tuple[NDArray[np.int64], Float64s]:
    """For each cut triangle the two edges that are cut, (s, 2) keys, and where, (s, 2, 3)."""
    # A corner on the plane counts as above: a triangle is then cut in two of its edges or not at all.
    above = heights >= 0
    cut_through = above[corners].any(axis=1) & ~above[corners].all(axis=1)
    start, end = corners[cut_through], corners[cut_through][:, [1, 2, 0]]
    crosses = above[start] != above[end]
    one, other = start[crosses].astype(np.int64), end[crosses].astype(np.int64)
    low, high = np.minimum(one, other), np.maximum(one, other)
    share = heights[low] / (heights[low] - heights[high])
    spots = places[low] + share[:, None] * (places[high] - places[low])
    return (low * len(places) + high).reshape(-1, 2), spots.reshape(-1, 2, 3)


def _chains(segments: NDArray[np.int64], count: int) -> list[list[int]]:
    """Segments joined at their ends; open chains start at an end that one segment has."""
    at: list[list[int]] = [[] for _ in range(count)]
    for row, pair in enumerate(segments.tolist()):
        for spot in pair:
            at[spot].append(row)
    ends = segments.tolist()
    used = [False] * len(ends)
    chains = []
    for start in [*(spot for spot in range(count) if len(at[spot]) == 1), *range(count)]:
        chain, spot = [start], start
        while free := [each for each in at[spot] if not used[each]]:
            one, other = ends[free[0]]
            used[free[0]] = True
            spot = one if other == spot else other
            chain.append(spot)
        if len(chain) > 1:
            chains.append(chain)
    return chains
