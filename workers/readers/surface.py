"""Make one surface of a file's triangles: shared corners, no empty triangles, wound one way, outwards.

In: corners and triangles. Out: the same surface, and how many edges are open. Moves no corner further than the weld
distance, fills no hole: what is missing is the person's to draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from workers.readers.values import Finding, Floats, Indices, Mask

# Of the mesh's diagonal. Float32 files repeat a corner to about 1e-7 of their size.
_WELD = 1e-6


@dataclass(frozen=True, eq=False)
class Surface:
    vertices: Floats
    triangles: Indices
    sources: Indices  # (m,) rows of the given triangles
    open_edges: Indices  # (k, 2) corner numbers
    findings: tuple[Finding, ...]


def surface_of(vertices: Floats, triangles: Indices) -> Surface:
    used, corners = np.unique(triangles, return_inverse=True)
    vertices, merged = _merge_equal(vertices[used])
    triangles = merged[corners.reshape(triangles.shape)]
    given = len(triangles)
    triangles, sources = _without_empty(triangles)
    dropped = given - len(sources)
    if len(open_edges_of(triangles)):
        vertices, triangles, kept = _welded(vertices, triangles)
        sources = sources[kept]
    triangles, turned = _wound_alike(triangles)
    inside_out = signed_volume(vertices, triangles) < 0 and not len(open_edges_of(triangles))
    if inside_out:
        triangles = triangles[:, ::-1].copy()
    findings = _findings(dropped, turned, inside_out)
    used, corners = np.unique(triangles, return_inverse=True)
    compact = corners.reshape(triangles.shape)
    return Surface(vertices[used], compact, sources, open_edges_of(compact), findings)


def _findings(dropped: int, turned: int, inside_out: bool) -> tuple[Finding, ...]:
    found = []
    if dropped:
        found.append(Finding("EMPTY_TRIANGLES", f"{dropped:,} triangles without area or drawn twice were left out."))
    if turned:
        found.append(Finding("TRIANGLES_TURNED", f"{turned:,} triangles faced the wrong way and were turned."))
    if inside_out:
        found.append(Finding("INSIDE_OUT", "The whole surface faced inwards and was turned."))
    return tuple(found)


def _merge_equal(vertices: Floats) -> tuple[Floats, Indices]:
    """Corners with the very same coordinates become one. Adding 0.0 makes -0.0 and 0.0 the same."""
    rows = np.ascontiguousarray(vertices + 0.0).view(np.dtype((np.void, 24))).reshape(-1)
    _, first, merged = np.unique(rows, return_index=True, return_inverse=True)
    return vertices[first], merged.reshape(-1)


def _without_empty(triangles: Indices) -> tuple[Indices, Indices]:
    """Drops triangles that use a corner twice, and repeats of a triangle wound the same way; the rest and its rows."""
    a, b, c = triangles.T
    rows = np.flatnonzero((a != b) & (b != c) & (c != a))
    kept = triangles[rows]
    # Turned so that the smallest corner comes first: the winding is kept, repeats become equal.
    start = np.argmin(kept, axis=1)[:, None] if len(kept) else np.empty((0, 1), np.int64)
    canonical = np.take_along_axis(kept, (start + np.arange(3)) % 3, axis=1)
    _, first = np.unique(canonical, axis=0, return_index=True)
    first = np.sort(first)
    return kept[first], rows[first]


def open_edges_of(triangles: Indices) -> Indices:
    """Edges that an odd number of triangles share: a closed surface has none."""
    edges, counts = _edges(triangles)
    result: Indices = edges[counts % 2 == 1]
    return result


def _edges(triangles: Indices) -> tuple[Indices, Indices]:
    sides = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    size = int(sides.max(initial=0)) + 1
    keys, counts = np.unique(sides[:, 0] * size + sides[:, 1], return_counts=True)
    return np.column_stack([keys // size, keys % size]), counts


def _welded(vertices: Floats, triangles: Indices) -> tuple[Floats, Indices, Indices]:
    """Joins corners of open edges that lie within the weld distance: seams that rounding has opened."""
    rim = np.unique(open_edges_of(triangles))
    reach = _WELD * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    pairs = cKDTree(vertices[rim]).query_pairs(reach, output_type="ndarray")
    if not len(pairs):
        return vertices, triangles, np.arange(len(triangles))
    links = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(rim), len(rim)))
    _, group = connected_components(links, directed=False)
    _, first = np.unique(group, return_index=True)
    merged = np.arange(len(vertices))
    merged[rim] = rim[first[group]]
    return vertices, *_without_empty(merged[triangles])


def _wound_alike(triangles: Indices) -> tuple[Indices, int]:
    """Turns as few triangles as it takes for neighbours to agree on which side is out.

    Every triangle stands twice in a graph, as it is and turned; neighbours link the states that agree. A component of
    the graph is then one consistent choice, and of a choice and its mirror image the one that turns fewer is taken.
    """
    count = len(triangles)
    first, second, agree = _neighbours(triangles)
    if bool(agree.all()):
        return triangles, 0
    turned = np.where(agree, 0, count)
    rows = np.concatenate([first, first + count])
    columns = np.concatenate([second + turned, second + count - turned])
    links = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(2 * count, 2 * count))
    _, state = connected_components(links, directed=False)
    as_is = np.bincount(state[:count], minlength=state.max() + 1)
    mirrored = as_is[state[count:]]
    flip = (as_is[state[:count]] < mirrored) | ((as_is[state[:count]] == mirrored) & (state[:count] > state[count:]))
    result = triangles.copy()
    result[flip] = result[flip][:, ::-1]
    return result, int(np.count_nonzero(flip))


def _neighbours(triangles: Indices) -> tuple[Indices, Indices, Mask]:
    """Pairs of triangles across an edge that exactly two share, and whether both are wound alike."""
    sides = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    forward = sides[:, 0] < sides[:, 1]
    size = int(sides.max(initial=0)) + 1
    keys = sides.min(axis=1) * size + sides.max(axis=1)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(keys)]]))
    pairs = starts[lengths == 2]
    one, other = order[pairs], order[pairs + 1]
    return one // 3, other // 3, forward[one] != forward[other]


def signed_volume(vertices: Floats, triangles: Indices) -> float:
    """Positive when the surface is wound outwards. Measured from the middle, for accuracy far from zero."""
    a, b, c = (vertices[triangles[:, place]] - vertices.mean(axis=0) for place in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
