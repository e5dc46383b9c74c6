"""Read glTF 2.0, as one binary file (GLB) or as JSON with its buffers inside. The unit is the metre, by the format.

Refuses external buffers (a URI must not make this process open other files), required extensions such as Draco, and
counts that the file's bytes cannot hold.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workers.errors import FileCorrupt, FileTruncated, FormatUnsupported, MeshWithoutTriangles
from workers.readers.units import LengthUnit
from workers.readers.values import Indices, RawMesh

if TYPE_CHECKING:
    import trimesh

# A compressed position takes three bytes at least, so no honest accessor counts more than its file has bytes.
_READ_EXTENSIONS = {"KHR_mesh_quantization", "KHR_materials_unlit", "KHR_texture_transform"}


class _Accessor(msgspec.Struct):
    count: int = 0


class _Buffer(msgspec.Struct):
    uri: str | None = None


class _Document(msgspec.Struct):
    accessors: list[_Accessor] = []
    buffers: list[_Buffer] = []
    required: list[str] = msgspec.field(default_factory=list, name="extensionsRequired")


def read_gltf(path: Path) -> RawMesh:
    import trimesh  # slow to import; only files of this kind pay for it

    content = path.read_bytes()
    binary = content.startswith(b"glTF")
    _check(path.name, len(content), _json_of_glb(path.name, content) if binary else content)
    try:
        with path.open("rb") as file:
            scene = trimesh.load_scene(file, file_type="glb" if binary else "gltf", process=False)
        meshes = [item for item in scene.dump() if isinstance(item, trimesh.Trimesh) and len(item.faces)]
    # The format is a graph of cross references that the library trusts: a bad one surfaces as any exception.
    except Exception as failure:
        raise FileCorrupt(
            path.name, f"its parts do not fit together ({type(failure).__name__}: {failure})"
        ) from failure
    if not meshes:
        raise MeshWithoutTriangles(path.name, "no mesh among its nodes")
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    vertices = np.concatenate([np.asarray(mesh.vertices, dtype=np.float64) for mesh in meshes])
    triangles = np.concatenate(
        [np.asarray(mesh.faces, dtype=np.int64) + start for mesh, start in zip(meshes, starts, strict=False)]
    )
    return RawMesh(vertices, triangles, LengthUnit.METRE, faces=_faces(meshes))


def _faces(meshes: list[trimesh.Trimesh]) -> Indices | None:
    """The CAD faces that OpenCASCADE has written beside the triangles, numbered through all meshes."""
    known = [np.asarray(mesh.face_attributes.get("brep_index", ()), np.int64) for mesh in meshes]
    if any(label.shape != (len(mesh.faces),) for label, mesh in zip(known, meshes, strict=True)):
        return None
    if any(label.min(initial=0) < 0 for label in known):
        # Triangles of no face would count as the last one of the mesh before.
        return None
    starts = np.cumsum([0] + [int(label.max(initial=-1)) + 1 for label in known])
    return np.concatenate([label + start for label, start in zip(known, starts, strict=False)])


def _json_of_glb(name: str, content: bytes) -> bytes:
    if len(content) < 20:
        raise FileTruncated(name, f"{len(content)} bytes, less than the header of a GLB")
    total, json_bytes = struct.unpack_from("<8xII", content)
    if total > len(content) or 20 + json_bytes > len(content):
        raise FileTruncated(name, f"{len(content):,} bytes of the {total:,} that its header promises")
    return content[20 : 20 + json_bytes]


def _check(name: str, size: int, text: bytes) -> None:
    try:
        document = msgspec.json.decode(text, type=_Document)
    except msgspec.DecodeError as failure:
        raise FileCorrupt(name, f"its JSON does not read ({failure})") from failure
    if any(buffer.uri and not buffer.uri.startswith("data:") for buffer in document.buffers):
        raise FormatUnsupported(name, "part", "a glTF with its buffers in other files", ("GLB (one binary file)",))
    if strange := set(document.required) - _READ_EXTENSIONS:
        raise FormatUnsupported(name, "part", f"a glTF that needs {', '.join(sorted(strange))}", ("plain GLB",))
    if any(not 0 <= accessor.count <= size for accessor in document.accessors):
        raise FileCorrupt(name, "it declares more values than the file has bytes")
