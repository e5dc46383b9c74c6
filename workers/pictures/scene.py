"""The part coloured by deviation, as one GLB for any viewer of glTF 2.0.

In: the part, a deviation for any place of its surface (NaN: no data), a scale. Out: bytes, the same for the same input;
nothing for a part of more than 400,000 triangles.
Large triangles are divided first, so that colours between corners are true; the surface stays where it is. Beside the
colours every corner carries its deviation in millimetres (`_DEVIATION`, `extras.noData` where there is none), so that a
viewer can paint anew and read values off. No normals: glTF then shades flat, as sharp edges want it. Z is up in CAD and
Y in glTF, millimetres become metres: the node says so.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workers.pictures.colours import Floats, Scale
from workers.pictures.ray_scene import Mesh

NO_DATA_MM = -9999.0
_ACROSS = 160.0
"""The longest edge that is left, as a share of the diagonal."""
_MOST_TRIANGLES = 400_000
"""Of a scene: a browser loads it whole."""
_ROUNDS = 24
_FLOAT, _BYTE, _UINT = 5126, 5121, 5125


def scene_glb(mesh: Mesh, deviation_at: Callable[[Floats], Floats], scale: Scale, title: str) -> bytes | None:
    """A scene of one mesh named `title`; None where the part alone has too many triangles for one."""
    if len(mesh.triangles) > _MOST_TRIANGLES:
        return None
    low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    longest = float(np.linalg.norm(high - low)) / _ACROSS
    places, triangles = divided(mesh.vertices_mm, mesh.triangles, longest)
    values = deviation_at(places)
    middle = (low + high) / 2.0
    positions = (places - middle).astype("<f4")
    deviations = np.where(np.isnan(values), NO_DATA_MM, values).astype("<f4")
    colours = np.full((len(places), 4), 255, np.uint8)
    colours[:, :3] = np.round(255.0 * _linear(scale.colours(values)))
    blocks = [positions.tobytes(), deviations.tobytes(), colours.tobytes(), triangles.astype("<u4").tobytes()]
    document = _document(title, scale, middle, positions, triangles.size, [len(block) for block in blocks])
    return _packed(document, b"".join(blocks))


def divided(vertices: Floats, triangles: NDArray[np.int32], longest: float) -> tuple[Floats, NDArray[np.int64]]:
    """The same surface without an edge above `longest`, unless that takes too many triangles.

    Each round halves every triangle across its longest edge. An edge is halved in its middle from either side, so that
    no gap opens.
    """
    places, corners = vertices.copy(), triangles.astype(np.int64)
    for _ in range(_ROUNDS):
        ends = np.stack([corners, corners[:, [1, 2, 0]]], axis=2)
        lengths = np.linalg.norm(places[ends[..., 0]] - places[ends[..., 1]], axis=2)
        side = lengths.argmax(axis=1)
        long = lengths.max(axis=1) > longest
        if not long.any() or len(corners) + int(long.sum()) > _MOST_TRIANGLES:
            break
        turned = np.take_along_axis(corners[long], (side[long][:, None] + np.arange(3)) % 3, axis=1)
        low, high = turned[:, :2].min(axis=1), turned[:, :2].max(axis=1)
        edges, which = np.unique(low * len(places) + high, return_inverse=True)
        new = len(places) + which
        places = np.concatenate([places, (places[edges // len(places)] + places[edges % len(places)]) / 2.0])
        first = np.column_stack([turned[:, 0], new, turned[:, 2]])
        second = np.column_stack([new, turned[:, 1], turned[:, 2]])
        corners = np.concatenate([corners[~long], first, second])
    # The two sides of an edge may have been halved in different rounds.
    welded, which = _welded(places)
    return welded, which[corners]


def _welded(places: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Each place once, in order of x, y, z, and which of those each one is."""
    order = np.lexsort(places.T[::-1])
    ordered = places[order]
    is_new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    which = np.empty(len(places), np.int64)
    which[order] = np.cumsum(is_new) - 1
    return ordered[is_new], which


def _linear(colours: Floats) -> Floats:
    """Colours of a screen (sRGB) as glTF wants those of corners."""
    found: Floats = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return found


def _document(
    title: str,
    scale: Scale,
    middle: Floats,
    positions: NDArray[np.float32],
    indices: int,
    sizes: list[int],
) -> dict[str, object]:
    starts = [0, *np.cumsum(sizes).tolist()]
    legend = [[float(value), *map(float, colour)] for value, colour in _legend(scale)]
    turned = [float(middle[0]) / 1000, float(middle[2]) / 1000, -float(middle[1]) / 1000]
    half = float(np.sqrt(0.5))
    return {
        "asset": {"version": "2.0", "generator": "D2R"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {
                "name": title,
                "mesh": 0,
                "translation": turned,
                "rotation": [-half, 0.0, 0.0, half],
                "scale": [0.001, 0.001, 0.001],
            }
        ],
        "materials": [
            {
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0},
                "doubleSided": True,
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "meshes": [
            {
                "name": title,
                "primitives": [
                    {"attributes": {"POSITION": 0, "_DEVIATION": 1, "COLOR_0": 2}, "indices": 3, "material": 0}
                ],
                "extras": {
                    "unit": "mm",
                    "noData": NO_DATA_MM,
                    "lowerMm": scale.zone.lower_mm,
                    "upperMm": scale.zone.upper_mm,
                    "scale": legend,
                },
            }
        ],
        **_layout(positions, indices, starts, sizes),
        "buffers": [{"byteLength": starts[-1]}],
    }


def _layout(positions: NDArray[np.float32], indices: int, starts: list[int], sizes: list[int]) -> dict[str, object]:
    """Where the blocks lie, in their order: positions, deviations, colours, corners of triangles."""
    count = len(positions)
    return {
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": count,
                "type": "VEC3",
                "min": positions.min(axis=0).tolist(),
                "max": positions.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": _FLOAT, "count": count, "type": "SCALAR"},
            {"bufferView": 2, "componentType": _BYTE, "count": count, "type": "VEC4", "normalized": True},
            {"bufferView": 3, "componentType": _UINT, "count": indices, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": size, "target": 34963 if place == 3 else 34962}
            for place, (start, size) in enumerate(zip(starts, sizes, strict=False))
        ],
    }


def _legend(scale: Scale) -> list[tuple[float, Floats]]:
    """Every sixteenth of the scale: deviation and colour (sRGB, 0 to 1)."""
    values = np.linspace(-scale.limit_mm, scale.limit_mm, 33)
    return list(zip(values.tolist(), scale.colours(values), strict=True))


def _packed(document: dict[str, object], body: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    total = 12 + 8 + len(text) + 8 + len(body)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, total),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(body), b"BIN\0"),
            body,
        ]
    )
