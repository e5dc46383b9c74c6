"""A small bracket and scans of it, made in memory, for tests of whole jobs."""

import io

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIZE_MM = np.array([40.0, 26.0, 14.0])


def bracket() -> tuple[Floats, NDArray[np.int32]]:
    """A block with three unlike holes and a step: it fits onto itself in one pose only."""
    from manifold3d import Manifold

    solid = Manifold.cube((40.0, 26.0, 14.0)) - Manifold.cube((15.0, 26.0, 6.0)).translate((0.0, 0.0, 8.0))
    for x, y, radius in ((25.0, 7.0, 3.0), (33.0, 18.0, 4.5), (7.0, 6.0, 2.0)):
        solid -= Manifold.cylinder(40.0, radius, circular_segments=48).translate((x, y, -10.0))
    mesh = solid.to_mesh()
    return np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32)


def stl(vertices: Floats, triangles: NDArray[np.int32]) -> bytes:
    records = np.zeros(len(triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    records["corners"] = vertices[triangles]
    return b"bracket".ljust(80) + len(records).to_bytes(4, "little") + records.tobytes()


def scanned(bulge_mm: float = 0.0, count: int = 60_000, seed: int = 1, scale: float = 1.0) -> Floats:
    """Points on the bracket with 10 µm noise, in a frame of the scanner's own; a bulge on the top, if wanted."""
    vertices, triangles = bracket()
    random = np.random.default_rng(seed)
    points, normals = on_surface(vertices, triangles, count, random)
    away = np.linalg.norm(points - np.array([19.0, 20.0, 14.0]), axis=1)
    lift = bulge_mm * (away < 4.0) * (normals[:, 2] > 0.5)
    points = points + normals * (lift + random.normal(0.0, 0.01, count))[:, None]
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    return (points @ turn.T + np.array([120.0, -45.0, 300.0])) * scale


def on_surface(
    vertices: Floats, triangles: NDArray[np.int32], count: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    rows = random.choice(len(triangles), count, p=areas / areas.sum())
    u, v = random.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points = a[rows] + u * (b - a)[rows] + v * (c - a)[rows]
    return points, (normals / areas[:, None])[rows]


def ply(points: Floats) -> bytes:
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(points)}\nproperty double x\nproperty double y\nproperty double z\nend_header\n"
    )
    return header.encode() + np.ascontiguousarray(points, "<f8").tobytes()


def cube_stl(side_mm: float) -> bytes:
    from manifold3d import Manifold

    mesh = Manifold.cube((side_mm, side_mm, side_mm)).to_mesh()
    return stl(np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int32))


def laz(points: Floats) -> bytes:
    import laspy

    cloud = laspy.LasData(laspy.LasHeader(point_format=0, version="1.2"))
    cloud.header.scales = np.full(3, 1e-4)
    cloud.xyz = points
    out = io.BytesIO()
    cloud.write(out, do_compress=True)
    return out.getvalue()
