"""Bring a file into the object store as a field device does: promise it, put its parts, say that all are there.

In: a path and what `begin` answered. Out: the parts that were put, by number and checksum. The bytes go straight to the
store by presigned addresses; the graph sees only numbers. A part that already arrived is not sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

PART_BYTES = 8 * 1024 * 1024
_AT_ONCE = 4
_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.3


class PartRefused(Exception):
    """The object store did not take a part."""

    def __init__(self, number: int, status: int, said: str) -> None:
        super().__init__(f"The object store refused part {number} (HTTP {status}): {said[:300]}")
        self.number, self.status = number, status


@dataclass(frozen=True)
class Promise:
    """What will be uploaded: its size, the SHA-256 of the whole and of each part."""

    path: Path
    size_bytes: int
    sha256: str
    part_sha256s: tuple[str, ...]

    def as_input(self) -> dict[str, Any]:
        """As the graph's `FileInput`."""
        return {
            "fileName": self.path.name,
            "sizeBytes": str(self.size_bytes),
            "sha256": self.sha256,
            "partSizeBytes": str(PART_BYTES),
            "partSha256s": list(self.part_sha256s),
        }


def promise(path: Path) -> Promise:
    """Read the file once and say what will come."""
    whole = hashlib.sha256()
    parts = []
    for part in _parts(path):
        whole.update(part)
        parts.append(hashlib.sha256(part).hexdigest())
    return Promise(path, path.stat().st_size, whole.hexdigest(), tuple(parts))


async def put_parts(
    session: aiohttp.ClientSession,
    path: Path,
    addresses: list[dict[str, Any]],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[dict[str, Any]]:
    """Put every part that has not arrived; the parts as `complete…Upload` wants them. Raises PartRefused."""
    room = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def put(address: dict[str, Any]) -> dict[str, Any]:
        nonlocal done
        async with room:
            part = await asyncio.to_thread(_part, path, address["number"])
            if not address["arrived"]:
                await _put(session, address, part)
        done += 1
        progress(done, len(addresses))
        return {"number": address["number"], "sha256": hashlib.sha256(part).hexdigest()}

    return list(await asyncio.gather(*map(put, addresses)))


async def _put(session: aiohttp.ClientSession, address: dict[str, Any], part: bytes) -> None:
    headers = {header["name"]: header["value"] for header in address["headers"]}
    for attempt in range(_ATTEMPTS):
        try:
            async with session.put(address["url"], data=part, headers=headers) as response:
                if response.status < 300:
                    return
                refused = PartRefused(address["number"], response.status, await response.text())
                if response.status < 500:
                    raise refused
        except aiohttp.ClientConnectionError as error:
            refused = PartRefused(address["number"], 0, str(error))
        await asyncio.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise refused


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part


def _part(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek((number - 1) * PART_BYTES)
        return file.read(PART_BYTES)
