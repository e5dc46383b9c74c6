"""Runs: stretches of a file, each sorted along the Morton curve and cut into blocks that can be read by ranges.

In: the records of one stretch. Out: the bytes of the run, of its index and of its part of the sample; and from a run's
blocks the cells between two keys. Arithmetic only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from db.clouds.codec import packed_cells, unpacked_cells
from workers.clouds.grid import Cells, Grid, Keys, usable
from workers.clouds.pieces import Plan, RunFacts, Sizes
from workers.readers.pieces import Rows

END = 2**63
"""Beyond every key."""


@dataclass(frozen=True, eq=False)
class Run:
    facts: RunFacts
    blocks: bytes
    index: bytes
    sample: bytes


@dataclass(frozen=True, eq=False)
class RunIndex:
    """`keys` are the first of every block, `offsets` where it begins, and where the last one ends."""

    keys: Keys
    offsets: NDArray[np.int64]

    def blocks_between(self, low: int, high: int) -> slice:
        """The blocks that may hold keys from `low` up to but not with `high`."""
        begin = max(0, int(np.searchsorted(self.keys, np.uint64(low), "left")) - 1)
        return slice(begin, int(np.searchsorted(self.keys, np.uint64(high), "left")))


def read_run(rows: Rows, plan: Plan, number: int) -> Run:
    """The records of run `number`, sorted. The sample takes the same points whenever it is read."""
    sizes = plan.sizes
    cells, bad, zeros = _cells(rows, plan.grid, number * sizes.run, plan.records_of(number))
    taken = np.random.default_rng(number).random(len(cells)) < sizes.sample / plan.records
    sample = packed_cells(cells[taken])
    keys = plan.grid.keys(cells)
    order = np.argsort(keys)
    starts = range(0, len(cells), sizes.block)
    blocks = [packed_cells(cells[order[start : start + sizes.block]]) for start in starts]
    offsets = np.concatenate([[0], np.cumsum([len(block) for block in blocks])]).astype(np.int64)
    index = _index_bytes(RunIndex(keys[order[:: sizes.block]], offsets))
    return Run(RunFacts(len(cells), bad, zeros), b"".join(blocks), index, sample)


def _cells(rows: Rows, grid: Grid, start: int, count: int) -> tuple[Cells, int, int]:
    cells, used, bad, zeros = np.empty((count, 3), np.int32), 0, 0, 0
    for piece in rows.read(start, count):
        points, not_finite, at_zero = usable(piece)
        cells[used : used + len(points)] = grid.cells_of(points)
        used, bad, zeros = used + len(points), bad + not_finite, zeros + at_zero
    return cells[:used], bad, zeros


def _index_bytes(index: RunIndex) -> bytes:
    file = io.BytesIO()
    np.savez(file, keys=index.keys, offsets=index.offsets)
    return file.getvalue()


def run_index(body: bytes) -> RunIndex:
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        return RunIndex(arrays["keys"], arrays["offsets"])


def borders(indices: list[RunIndex], sizes: Sizes) -> list[int]:
    """Keys where tiles begin, and END: every so many blocks of all runs together. A place is never cut in two."""
    keys = np.sort(np.concatenate([index.keys for index in indices]))
    blocks = max(1, sizes.tile // sizes.block)
    inner = np.unique(keys[blocks::blocks]).tolist()
    return [0, *(key for key in inner if key > 0), END]


def merged_tile(parts: list[tuple[RunIndex, slice, bytes]], grid: Grid, low: int, high: int) -> Cells:
    """The cells with keys from `low` up to but not with `high`, in order. Parts are blocks of each run, as stored."""
    pieces = [_between(index, blocks, body, grid, low, high) for index, blocks, body in parts]
    cells = np.concatenate([cells for cells, _ in pieces])
    order = np.argsort(np.concatenate([keys for _, keys in pieces]), kind="stable")
    return cells[order]


def _between(index: RunIndex, blocks: slice, body: bytes, grid: Grid, low: int, high: int) -> tuple[Cells, Keys]:
    starts = index.offsets[blocks.start : blocks.stop + 1] - index.offsets[blocks.start]
    pieces = [unpacked_cells(body[start:end]) for start, end in pairwise(starts.tolist())]
    cells = np.concatenate(pieces) if pieces else np.empty((0, 3), np.int32)
    keys = grid.keys(cells)
    inside = (keys >= np.uint64(low)) & (keys < np.uint64(high))
    return cells[inside], keys[inside]
