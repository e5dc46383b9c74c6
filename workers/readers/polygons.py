"""Cut polygons into triangles as fans: exact for triangles and flat convex faces, which is what CAD systems write."""

from __future__ import annotations

import numpy as np

from workers.readers.values import Indices


def fans(polygons: Indices | list[Indices]) -> tuple[Indices, int]:
    """Triangles of all polygons, and how many polygons had more than four corners (a fan may be wrong there)."""
    if not isinstance(polygons, list):
        return _fan(polygons), len(polygons) if polygons.shape[1] > 4 else 0
    by_length: dict[int, list[Indices]] = {}
    for polygon in polygons:
        by_length.setdefault(len(polygon), []).append(polygon)
    parts = [_fan(np.array(group, dtype=np.int64)) for length, group in sorted(by_length.items()) if length >= 3]
    cut = sum(len(group) for length, group in by_length.items() if length > 4)
    return (np.concatenate(parts) if parts else np.empty((0, 3), np.int64)), cut


def _fan(polygons: Indices) -> Indices:
    corners = polygons.shape[1]
    if corners < 3:
        return np.empty((0, 3), np.int64)
    steps = [polygons[:, [0, second, second + 1]] for second in range(1, corners - 1)]
    return np.concatenate(steps).astype(np.int64)
