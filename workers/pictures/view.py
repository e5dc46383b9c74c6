"""One view of a part: parallel rays, one a pixel; shaded colours, drawn edges, and where a place falls in the picture.

In: a direction and a frame. Out: an image, and positions in its pixels. Parallel, so that lengths can be read off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.pictures.colours import Floats
from workers.pictures.ray_scene import Hits, RayScene

Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

# Drawn larger and then averaged: smooth edges.
_OVERSAMPLING = 2
_MARGIN = 1.08
_FOOT_PIXELS = 76
_EDGE_COLOUR = np.array([0.16, 0.17, 0.20])
_CREASE_COSINE = 0.82
_LIGHT = np.array([-0.35, 0.45, 0.82])  # right, up, towards the eye


@dataclass(frozen=True, eq=False)
class View:
    """`right`, `up` and `towards` (the eye) are unit vectors; `half_width_mm` is half of what the picture spans."""

    title: str
    centre_mm: Floats
    right: Floats
    up: Floats
    towards: Floats
    half_width_mm: float
    width: int
    height: int
    start_mm: float  # how far before the centre the rays begin

    @property
    def mm_per_pixel(self) -> float:
        return 2.0 * self.half_width_mm / self.width

    def pixels_of(self, places_mm: Floats) -> Floats:
        """Where places fall: columns from the left, rows from the top."""
        offset = places_mm - self.centre_mm
        across, upward = offset @ self.right / self.mm_per_pixel, offset @ self.up / self.mm_per_pixel
        return np.column_stack([self.width / 2.0 + across, self.height / 2.0 - upward])

    def is_visible(self, scene: RayScene, place_mm: Floats) -> bool:
        """Whether nothing stands between the eye and a place of the surface that lies within the frame."""
        column, row = self.pixels_of(place_mm[None])[0]
        if not (0 <= column < self.width and 0 <= row < self.height):
            return False
        depth = self.start_mm - float((place_mm - self.centre_mm) @ self.towards)
        met = scene.cast((place_mm + self.towards * depth)[None], -self.towards).distance_mm[0]
        return bool(met > depth - 0.003 * scene.diagonal_mm)


def whole_view(scene: RayScene, title: str, towards: Floats, width: int, height: int) -> View:
    """The whole part, seen from `towards`, as large as the picture allows."""
    right, up, eye = _axes(towards)
    across, upward = scene.corners_mm @ right, scene.corners_mm @ up
    middle = (across.min() + across.max()) / 2 * right + (upward.min() + upward.max()) / 2 * up
    centre = middle + (scene.middle_mm @ eye) * eye
    half = float(max(np.ptp(across) / 2, np.ptp(upward) / 2 * width / (height - _FOOT_PIXELS)) * _MARGIN)
    # Raised, so that directions and the bar of length have the foot of the picture for themselves.
    centre = centre - up * (_FOOT_PIXELS / 2) * (2.0 * half / width)
    return View(title, centre, right, up, eye, half, width, height, 2.0 * scene.diagonal_mm)


def close_view(
    scene: RayScene, title: str, place_mm: Floats, towards: Floats, half_width_mm: float, width: int, height: int
) -> View:
    """A place from straight before it. What stands in the way is cut off by beginning behind it."""
    right, up, eye = _axes(towards)
    free = float(scene.cast((place_mm + eye * 1e-3 * scene.diagonal_mm)[None], eye).distance_mm[0])
    start = 2.0 * scene.diagonal_mm if not np.isfinite(free) else 0.5 * free
    return View(title, place_mm, right, up, eye, half_width_mm, width, height, start)


def draw(view: View, scene: RayScene, colours_at: Callable[[Floats], Floats]) -> Floats:
    """The picture, rows from the top, white behind the part. `colours_at` paints places of the surface."""
    width, height = view.width * _OVERSAMPLING, view.height * _OVERSAMPLING
    step = view.mm_per_pixel / _OVERSAMPLING
    across, below = ((np.arange(count) + 0.5 - count / 2.0) * step for count in (width, height))
    middle = view.centre_mm + view.towards * view.start_mm
    start = ((middle - below[:, None, None] * view.up) + across[:, None] * view.right).reshape(-1, 3)
    hits = scene.cast(start, -view.towards)
    met = np.isfinite(hits.distance_mm)
    image = np.ones((height * width, 3))
    places = start[met] - view.towards * hits.distance_mm[met, None]
    # One colour a pixel is enough, where edges and shades need all four rays.
    pixel = (np.arange(height)[:, None] // _OVERSAMPLING * view.width + np.arange(width) // _OVERSAMPLING).ravel()[met]
    first, shared = _first_of_each(pixel, view.height * view.width)
    image[met] = colours_at(places[first])[shared] * _shade(view, hits.normals[met])[:, None]
    edges = _edges(hits, (height, width), step)
    image[edges] = 0.35 * image[edges] + 0.65 * _EDGE_COLOUR
    blocks = image.reshape(view.height, _OVERSAMPLING, view.width, _OVERSAMPLING, 3)
    result: Floats = blocks.sum(axis=1).sum(axis=2) / _OVERSAMPLING**2
    return result


def _first_of_each(numbers: Indices, most: int) -> tuple[Indices, Indices]:
    """Where each number below `most` comes first, in order of numbers; and which of those each place has."""
    places = np.full(most, -1)
    # The last one written stays.
    places[numbers[::-1]] = np.arange(len(numbers))[::-1]
    is_there = places >= 0
    return places[is_there], (np.cumsum(is_there) - 1)[numbers]


def _axes(towards: Floats) -> tuple[Floats, Floats, Floats]:
    """Right, up, towards. Z points up in a picture, or Y where the eye looks along Z."""
    eye = towards / np.linalg.norm(towards)
    pole = np.array([0.0, 0.0, 1.0]) if abs(eye[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(pole, eye)
    right /= np.linalg.norm(right)
    return right, np.cross(eye, right), eye


def _shade(view: View, normals: Floats) -> Floats:
    facing = np.column_stack([normals @ axis for axis in (view.right, view.up, view.towards)])
    # The inner side of an open surface is lit as well.
    facing *= np.where(facing[:, 2:] < 0, -1.0, 1.0)
    light = _LIGHT / np.linalg.norm(_LIGHT)
    result: Floats = 0.80 + 0.20 * np.clip(facing @ light, 0.0, 1.0)
    return result


def _edges(hits: Hits, shape: tuple[int, int], step_mm: float) -> Mask:
    """Pixels where the outline ends, the depth jumps or the surface folds."""
    depth = np.where(np.isfinite(hits.distance_mm), hits.distance_mm, 1e9).reshape(shape)
    normals = hits.normals.reshape(*shape, 3)
    edge = np.zeros(shape, bool)
    for axis in (0, 1):
        one, other = (slice(None, -1), slice(1, None))
        near, far = (
            ((one, slice(None)), (other, slice(None))) if axis == 0 else ((slice(None), one), (slice(None), other))
        )
        jump = np.abs(depth[near] - depth[far]) > 12.0 * step_mm
        both = (depth[near] < 1e9) & (depth[far] < 1e9)
        fold = both & ((normals[near] * normals[far]).sum(axis=2) < _CREASE_COSINE)
        edge[near] |= (jump | fold) & (depth[near] < 1e9)
        edge[far] |= jump & (depth[far] < 1e9)
    result: Mask = edge.ravel()
    return result
