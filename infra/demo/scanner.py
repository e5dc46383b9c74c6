"""A simulated 3D scanner: what a structured-light device would return of the demo part, seeded by the serial number.

Rays go out from several stations; a point needs to be seen by the camera and lit by the projector beside it, so deep
holes and undercuts stay empty. Noise grows with the slant; steep surfaces and random pixels drop out; a few points are
strays. The scan's frame is turned and moved at will, as a device that knows nothing of the part would have it.

A bulge moves points outwards along the surface's normal after the cast: what 0.3 mm would hide is below the noise.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.demo.part import DemoPart

Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]

_DISTANCE_MM, _PROJECTOR_MM = 450.0, 110.0
# Azimuth and elevation of the stations, in degrees. None looks straight from below: the part lies on something.
_STATIONS_DEG = ((20, 50), (95, 40), (160, 55), (235, 42), (310, 48), (0, 88), (60, -35), (250, -30))
_PIXELS = 350
_FIELD_MM = 170.0
_STEEPEST_COSINE = 0.17
_LAS_SCALE_MM = 1e-4
_LAS_SYSTEM = 'LOCAL_CS["scanner",LOCAL_DATUM["scanner",0],UNIT["millimetre",0.001]]'


@dataclass(frozen=True)
class Bulge:
    """A smooth swelling: `height_mm` outwards everywhere within `plateau_mm` of the centre, none beyond `reach_mm`."""

    centre_mm: tuple[float, float, float] = (70.0, 30.0, 13.0)
    height_mm: float = 0.30
    plateau_mm: float = 5.0
    reach_mm: float = 11.0

    def lift_mm(self, places_mm: Floats) -> Floats:
        away = np.linalg.norm(places_mm - np.array(self.centre_mm), axis=1)
        share = np.clip((self.reach_mm - away) / (self.reach_mm - self.plateau_mm), 0.0, 1.0)
        result: Floats = self.height_mm * share * share * (3.0 - 2.0 * share)
        return result


@dataclass(frozen=True)
class ScannerNoise:
    """Of the device: sigma along the ray, shares of points lost and gone astray."""

    sigma_mm: float = 0.02
    lost: float = 0.03
    stray: float = 0.005


@dataclass(frozen=True, eq=False)
class DemoScan:
    """`points_mm` in the scanner's frame; `scan_from_part` is the 4x4 motion that took them there."""

    points_mm: Floats
    scan_from_part: Floats


def scan_part(part: DemoPart, serial: str, bulge: Bulge | None = None, noise: ScannerNoise | None = None) -> DemoScan:
    """One scan of one piece. The same serial gives the same scan."""
    seed = int.from_bytes(hashlib.sha256(serial.encode()).digest()[:8], "big")
    random = np.random.default_rng(seed)
    cast = _Cast(part)
    noise = noise or ScannerNoise()
    points = np.concatenate([_station(cast, place, bulge, noise, random) for place in _station_places(part)])
    motion = _motion(random)
    return DemoScan(points @ motion[:3, :3].T + motion[:3, 3], motion)


class _Cast:
    """Rays against the part, by Embree on the CPU."""

    def __init__(self, part: DemoPart) -> None:
        import open3d as o3d  # 1.1 s

        self._tensor = o3d.core.Tensor.from_numpy
        self._scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        corners, triangles = part.vertices_mm.astype(np.float32), part.triangles.astype(np.uint32)
        self._scene.add_triangles(self._tensor(corners), self._tensor(triangles))
        self.centre_mm: Floats = (part.vertices_mm.min(axis=0) + part.vertices_mm.max(axis=0)) / 2.0

    def hits(self, start: Floats, along: Floats) -> tuple[Floats, Floats]:
        """Distance along each ray (infinite without a hit), and the normal there."""
        answer = self._scene.cast_rays(self._tensor(np.hstack([start, along]).astype(np.float32)), nthreads=1)
        return answer["t_hit"].numpy().astype(np.float64), answer["primitive_normals"].numpy().astype(np.float64)

    def is_hidden(self, start: Floats, end: Floats) -> _Mask:
        rays = np.hstack([start, end - start]).astype(np.float32)
        # Ends short of the surface that it should reach.
        hidden: _Mask = self._scene.test_occlusions(self._tensor(rays), 0.0, 0.9998, nthreads=1).numpy()
        return hidden


def _station_places(part: DemoPart) -> list[Floats]:
    centre = (part.vertices_mm.min(axis=0) + part.vertices_mm.max(axis=0)) / 2.0
    azimuth, elevation = np.radians(np.array(_STATIONS_DEG, dtype=np.float64)).T
    away = np.column_stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    return list(centre + _DISTANCE_MM * away)


def _station(
    cast: _Cast, camera: Floats, bulge: Bulge | None, noise: ScannerNoise, random: np.random.Generator
) -> Floats:
    forward = (cast.centre_mm - camera) / np.linalg.norm(cast.centre_mm - camera)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    along = _rays(forward, right, random)
    start = np.broadcast_to(camera, along.shape)
    distance, normals = cast.hits(start, along)
    hit = np.isfinite(distance)
    along, distance, normals = along[hit], distance[hit], normals[hit]
    places = camera + along * distance[:, None]
    slant = np.abs(np.einsum("ij,ij->i", along, normals))
    lit = ~cast.is_hidden(np.broadcast_to(camera + _PROJECTOR_MM * right, places.shape), places)
    # The steeper, the likelier a pixel comes back empty.
    seen = lit & (slant > _STEEPEST_COSINE * random.uniform(1.0, 2.0, len(slant)))
    seen &= random.random(len(slant)) > noise.lost
    places, along, normals, slant = places[seen], along[seen], normals[seen], slant[seen]
    if bulge is not None:
        places = places + normals * bulge.lift_mm(places)[:, None]
    depth = random.normal(0.0, noise.sigma_mm, len(places)) * np.minimum(1.0 / np.sqrt(slant), 2.0)
    stray = random.random(len(places)) < noise.stray
    depth[stray] += random.uniform(0.5, 15.0, int(stray.sum())) * random.choice([-1.0, 1.0], int(stray.sum()))
    result: Floats = places + along * depth[:, None]
    return result


def _rays(forward: Floats, right: Floats, random: np.random.Generator) -> Floats:
    """Directions of a square of pixels, each ray somewhere inside its own."""
    up = np.cross(right, forward)
    steps = (np.arange(_PIXELS) + 0.5) / _PIXELS - 0.5
    across, upward = (grid.ravel() for grid in np.meshgrid(steps, steps))
    jitter = random.uniform(-0.5, 0.5, (2, len(across))) / _PIXELS
    width = _FIELD_MM / _DISTANCE_MM
    along = forward + np.outer((across + jitter[0]) * width, right) + np.outer((upward + jitter[1]) * width, up)
    result: Floats = along / np.linalg.norm(along, axis=1, keepdims=True)
    return result


def _motion(random: np.random.Generator) -> Floats:
    """A turn drawn evenly from all turns, and a shift of some decimetres."""
    quaternion = random.normal(size=4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    motion = np.eye(4)
    motion[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    motion[:3, 3] = random.uniform(-300.0, 300.0, 3)
    return motion


def write_ply(scan: DemoScan, path: Path) -> None:
    """Binary PLY in float64, with the unit as a comment."""
    head = f"ply\nformat binary_little_endian 1.0\ncomment unit: mm\nelement vertex {len(scan.points_mm)}\n"
    head += "property double x\nproperty double y\nproperty double z\nend_header\n"
    path.write_bytes(head.encode() + scan.points_mm.astype("<f8").tobytes())


def write_laz(scan: DemoScan, path: Path, written_on: date) -> None:
    """LAZ in steps of 0.1 um, with the unit as a local coordinate system in millimetres."""
    import laspy
    from laspy.vlrs.known import WktCoordinateSystemVlr

    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales = np.full(3, _LAS_SCALE_MM)
    header.offsets = np.round(scan.points_mm.mean(axis=0))
    header.creation_date = written_on
    header.generating_software = "simulated scanner"
    header.vlrs.append(WktCoordinateSystemVlr(_LAS_SYSTEM))
    header.global_encoding.wkt = True
    las = laspy.LasData(header)
    las.x, las.y, las.z = scan.points_mm.T
    las.write(str(path))
