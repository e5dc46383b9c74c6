"""Bring an uploaded file to this machine, and believe it only when its whole SHA-256 is what was promised.

In: a run and the file's promise. Out: a path in a temporary folder, named so that readers know its format. Refuses a
file of another length or hash: a part may have been right by itself and still be in the wrong place.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from subgraphs.inspection.model import CadFormat, ScanFormat, StoredFile
from workers.actor import JobProblem, JobRefused, Run

SUFFIXES: dict[CadFormat | ScanFormat, tuple[str, ...]] = {
    CadFormat.STL: (".stl",),
    CadFormat.PLY: (".ply",),
    CadFormat.OBJ: (".obj",),
    CadFormat.GLTF: (".gltf",),
    CadFormat.GLB: (".glb",),
    CadFormat.STEP: (".step", ".stp"),
    ScanFormat.PLY: (".ply",),
    ScanFormat.PCD: (".pcd",),
    ScanFormat.LAS: (".las",),
    ScanFormat.LAZ: (".laz",),
    ScanFormat.COPC: (".copc.laz", ".laz"),
    ScanFormat.E57: (".e57",),
    ScanFormat.XYZ: (".xyz", ".txt", ".asc", ".pts"),
    ScanFormat.CSV: (".csv", ".txt"),
}


@asynccontextmanager
async def fetched(run: Run, file: StoredFile, format: CadFormat | ScanFormat) -> AsyncIterator[Path]:
    """The file on this machine's disk for as long as the block lasts."""
    with TemporaryDirectory(prefix="d2r-job-") as folder:
        path = Path(folder) / local_name(file.name, format)
        await _download(run, file, path)
        yield path


def local_name(name: str, format: CadFormat | ScanFormat) -> str:
    """The file's own name without any folder, ending as its format does."""
    plain = PurePosixPath(name.replace("\\", "/")).name.replace("\0", "")[-120:] or "file"
    return plain if plain.lower().endswith(SUFFIXES[format]) else plain + SUFFIXES[format][0]


async def _download(run: Run, file: StoredFile, path: Path) -> None:
    whole, done = hashlib.sha256(), 0
    with path.open("wb") as out:
        async for piece in run.blobs.open_range(run.caller, file.object_key):
            whole.update(piece)
            out.write(piece)
            done += len(piece)
            await run.report(done, file.size_bytes, "bytes", "download")
    if done != file.size_bytes:
        raise JobRefused(
            JobProblem(
                "FILE_TRUNCATED",
                f"{file.name} has {done} bytes in the store, {file.size_bytes} were promised.",
                "Upload it again from the original, with a new idempotency key.",
            )
        )
    if whole.hexdigest() != file.sha256:
        raise JobRefused(
            JobProblem(
                "CHECKSUM_MISMATCH",
                f"The SHA-256 of {file.name} is {whole.hexdigest()}, {file.sha256} was promised.",
                "The file changed on the way or the promise was for another file: upload it again from the original.",
            )
        )
