"""A large scan from its file to what is judged, one finished piece after the other.

In: a run of the job, and the file while it is not decoded yet. Out: a `LargeMeasuring`: what the small path finds, with
figures of all points, and what a sample tells. Each run, tile and measured tile is stored first and kept as a piece of
the job then; what is kept is not done again. Tiles that were measured under another pose than the one found now are
measured anew, so no result mixes two poses.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from db.clouds.codec import packed_cells, unpacked_cells
from kernels.deviation.pieces import (
    PieceFigures,
    UsualInWhole,
    Whole,
    gathered,
    usual_in_whole,
    whole_regions,
    whole_statistics,
)
from kernels.deviation.regions import FaceSurface, face_surfaces
from kernels.distance import MeshIndex
from subgraphs.inspection.model import Scan
from workers.actor import Run
from workers.clouds import runs
from workers.clouds.ahead import one_ahead, together
from workers.clouds.figures import packed_figures, unpacked_figures
from workers.clouds.grid import Cells, Grid, grid_for
from workers.clouds.near import Surroundings, coarse_cubes, neighbours
from workers.clouds.pieces import (
    MEASURED,
    PLAN,
    RUN,
    TILE,
    Index,
    IndexedTile,
    MeasuredFacts,
    Plan,
    RunFacts,
    Sizes,
    TileFacts,
)
from workers.clouds.stored import Stored
from workers.clouds.tiles import Against, measured_tile
from workers.errors import CloudEmpty, CloudNotFinite, FileTooLarge
from workers.measuring import Measuring, measure
from workers.meshes import NominalMesh
from workers.readers.pieces import Pieces
from workers.readers.read_scan import MAX_NOT_FINITE_PERCENT
from workers.readers.values import Floats, ScanCloud

# A tile that is so many times larger than planned holds one place over and over: no scanner does that.
_OVERFULL = 4
_READS_AT_ONCE = 8
# Tiles of a million points, of which each takes 60 MB for a moment.
_UNPACKED_AT_ONCE = 2


@dataclass(frozen=True, eq=False)
class LargeMeasuring:
    """`measuring` has the points of the sample and the figures of all `points`. `index` names every tile."""

    measuring: Measuring
    points: int
    index: bytes
    leftovers: tuple[str, ...]
    """Objects that are needed until the job is over."""


@dataclass(frozen=True, eq=False)
class _Fetched:
    """A tile's own cells, and those of other tiles that lie around it."""

    own: Cells
    around: Cells


class LargeScan:
    """The flow for one job."""

    def __init__(self, run: Run, scan: Scan, sizes: Sizes) -> None:
        self.run, self.scan, self.sizes = run, scan, sizes
        self._stored = Stored(run, scan.id)
        self._room_to_unpack = asyncio.Semaphore(_UNPACKED_AT_ONCE)

    async def plan(self) -> Plan | None:
        """What an earlier attempt decided, if the scan is a large one."""
        return (await self._stored.kept(PLAN, Plan)).get(0)

    async def is_decoded(self, plan: Plan) -> bool:
        return len(await self._stored.kept(RUN, RunFacts)) == plan.runs

    async def opened(self, pieces: Pieces) -> Plan:
        plan = Plan(pieces.name, grid_for(pieces), pieces.rows.count, self.sizes)
        await self._stored.keep(PLAN, 0, plan)
        return plan

    async def decode(self, plan: Plan, pieces: Pieces) -> None:
        """Every run that is not kept yet: read, checked, sorted, stored."""
        done = await self._stored.kept(RUN, RunFacts)
        left = [number for number in range(plan.runs) if number not in done]
        ready = plan.records - sum(map(plan.records_of, left))
        for number in left:
            await self.run.report(ready, plan.records, "points", "decode")
            found = await asyncio.to_thread(runs.read_run, pieces.rows, plan, number)
            for kind, body in (("blocks", found.blocks), ("index", found.index), ("sample", found.sample)):
                await self._stored.put(f"runs/{number:06}.{kind}", body)
            await self._stored.keep(RUN, number, found.facts)
            ready += plan.records_of(number)
        await self.run.report(ready, plan.records, "points", "decode")

    async def measured(self, plan: Plan, mesh: NominalMesh) -> LargeMeasuring:
        """Of a scan that is decoded: checked as a whole, merged into tiles, measured."""
        total = _validated(plan, await self._stored.kept(RUN, RunFacts))
        tiles = await self._tiles(plan, total)
        await self.drop(_of_runs(plan, "blocks"))
        found = await self._of_sample(plan, mesh)
        usual = usual_in_whole(found.survey, total)
        surfaces = face_surfaces(mesh.faces, mesh.vertices_mm, mesh.triangles)
        told = await self._of_tiles(plan, mesh, found, usual, surfaces, tiles)
        whole = await self._gathered(tiles)
        measuring = replace(
            found,
            statistics=whole_statistics(found.statistics, whole, usual),
            regions=whole_regions(whole, usual, surfaces),
            sample_of=total,
        )
        leftovers = (*_of_runs(plan, "index", "sample"), *map(_figures_name, sorted(tiles)))
        return LargeMeasuring(measuring, total, self._index(plan, tiles, told).encoded(), leftovers)

    async def drop(self, names: Sequence[str]) -> None:
        for name in names:
            await self._stored.delete(name)

    async def abandon(self) -> None:
        """Of a scan that is refused nothing is left but its file."""
        plan, tiles = await self.plan(), await self._stored.kept(TILE, TileFacts)
        # Forgotten first: what is kept is there, whenever this worker dies.
        await self._stored.forget()
        if plan is not None:
            await self.drop(_of_runs(plan, "blocks", "index", "sample"))
        await self.drop([name(number) for number in tiles for name in (_points_name, _deviations_name, _figures_name)])

    async def _tiles(self, plan: Plan, total: int) -> dict[int, TileFacts]:
        """Merge runs into tiles, those that are not kept yet."""
        done = await self._stored.kept(TILE, TileFacts)
        indices = [runs.run_index(await self._stored.get(f"runs/{number:06}.index")) for number in range(plan.runs)]
        ready = sum(facts.points for facts in done.values())
        for number, (low, high) in enumerate(pairwise(runs.borders(indices, plan.sizes))):
            if number in done:
                continue
            await self.run.report(ready, total, "points", "sort")
            parts = await self._parts(plan, indices, low, high)
            cells = await asyncio.to_thread(runs.merged_tile, parts, plan.grid, low, high)
            done[number] = await self._stored_tile(plan.grid, number, cells)
            ready += done[number].points
        await self.run.report(ready, total, "points", "sort")
        # One that begins at a place which fills whole blocks leaves nothing to the one before it.
        return {number: facts for number, facts in done.items() if facts.points}

    async def _parts(
        self, plan: Plan, indices: Sequence[runs.RunIndex], low: int, high: int
    ) -> list[tuple[runs.RunIndex, slice, bytes]]:
        """The blocks of all runs that a tile needs, a range of each."""
        room = asyncio.Semaphore(_READS_AT_ONCE)
        slices = [index.blocks_between(low, high) for index in indices]
        points = sum(each.stop - each.start for each in slices) * plan.sizes.block
        if points > _OVERFULL * (plan.sizes.tile + 2 * plan.runs * plan.sizes.block):
            raise FileTooLarge(plan.name, "points in one place", points, plan.sizes.tile)

        async def part(number: int) -> tuple[runs.RunIndex, slice, bytes]:
            offsets, blocks = indices[number].offsets, slices[number]
            start, end = int(offsets[blocks.start]), int(offsets[blocks.stop])
            async with room:
                body = await self._stored.get_range(f"runs/{number:06}.blocks", start, end - start)
                return indices[number], blocks, body

        return await together([part(number) for number in range(plan.runs)])

    async def _stored_tile(self, grid: Grid, number: int, cells: Cells) -> TileFacts:
        def packed() -> tuple[bytes, TileFacts]:
            body = packed_cells(cells)
            low, high = cells.min(axis=0, initial=2**31 - 1), cells.max(axis=0, initial=0)
            cubes, digest = coarse_cubes(grid, cells), hashlib.sha256(body).hexdigest()
            return body, TileFacts(len(cells), _three(low), _three(high), digest, cubes)

        body, facts = await asyncio.to_thread(packed)
        await self._stored.put(_points_name(number), body)
        await self._stored.keep(TILE, number, facts)
        return facts

    async def _of_sample(self, plan: Plan, mesh: NominalMesh) -> Measuring:
        """Registered and measured as a small scan would be."""
        bodies = [await self._stored.get(f"runs/{number:06}.sample") for number in range(plan.runs)]
        cells = np.concatenate([unpacked_cells(body) for body in bodies])
        cloud = ScanCloud(plan.grid.points_mm(cells), None, plan.grid.unit, np.array(plan.grid.shift_mm), warnings=())
        loop = asyncio.get_running_loop()

        def tell(stage: str) -> None:
            said = self.run.report(0, len(cells), "points", f"{stage} a sample")
            asyncio.run_coroutine_threadsafe(said, loop).result()

        return await asyncio.to_thread(measure, self.scan, mesh, cloud, tell)

    async def _of_tiles(
        self,
        plan: Plan,
        mesh: NominalMesh,
        found: Measuring,
        usual: UsualInWhole,
        surfaces: tuple[FaceSurface, ...],
        tiles: dict[int, TileFacts],
    ) -> dict[int, MeasuredFacts]:
        """Every tile under the sample's pose, those that are not kept yet."""
        pose = _pose_of(found.registration.transform, usual)
        kept = await self._stored.kept(MEASURED, MeasuredFacts)
        done = {number: facts for number, facts in kept.items() if facts.pose == pose}
        index = await asyncio.to_thread(MeshIndex.build, mesh.vertices_mm, mesh.triangles)
        lower, upper = self.scan.rule.lower_mm, self.scan.rule.upper_mm
        against = Against(index, mesh.faces, surfaces, found.registration.transform, usual, lower, upper)
        total = sum(facts.points for facts in tiles.values())
        ready = sum(tiles[number].points for number in done)
        await self.run.report(ready, total, "points", "measure")

        async def fetched(number: int) -> _Fetched:
            return await self._fetched(plan.grid, usual, tiles, number)

        left = [number for number in sorted(tiles) if number not in done]
        async with aclosing(one_ahead(left, fetched)) as each:
            async for number, cells in each:
                done[number] = await self._measured_tile(plan.grid, against, cells, number, pose)
                ready += tiles[number].points
                await self.run.report(ready, total, "points", "measure")
        return done

    async def _fetched(self, grid: Grid, usual: UsualInWhole, tiles: dict[int, TileFacts], number: int) -> _Fetched:
        async def unpacked(each: int, keep: Callable[[Cells], Cells]) -> Cells:
            async with self._room_to_unpack:
                body = await self._stored.get(_points_name(each))
                return await asyncio.to_thread(lambda: keep(unpacked_cells(body)))

        own = await unpacked(number, lambda cells: cells)
        reach = math.ceil(usual.halo / grid.step_mm)
        room = await asyncio.to_thread(Surroundings.of, own, reach)
        others = await asyncio.to_thread(neighbours, grid, tiles, number, reach)
        around = await together([unpacked(other, room.among) for other in others])
        return _Fetched(own, np.concatenate([own[:0], *around]))

    async def _measured_tile(
        self, grid: Grid, against: Against, cells: _Fetched, number: int, pose: str
    ) -> MeasuredFacts:
        said, deviations = await asyncio.to_thread(measured_tile, grid, against, cells.own, cells.around)
        await self._stored.put(_figures_name(number), await asyncio.to_thread(packed_figures, said))
        await self._stored.put(_deviations_name(number), deviations)
        facts = MeasuredFacts(pose, hashlib.sha256(deviations).hexdigest())
        await self._stored.keep(MEASURED, number, facts)
        return facts

    async def _gathered(self, tiles: dict[int, TileFacts]) -> Whole:
        """Merged in the order of the tiles: sums come out the same however often the work was taken over."""
        lower, upper = self.scan.rule.lower_mm, self.scan.rule.upper_mm
        loop = asyncio.get_running_loop()

        def said() -> Iterator[PieceFigures]:
            for number in sorted(tiles):
                body = asyncio.run_coroutine_threadsafe(self._stored.get(_figures_name(number)), loop).result()
                yield unpacked_figures(body, lower, upper)

        return await asyncio.to_thread(lambda: gathered(said(), lower, upper))

    def _index(self, plan: Plan, tiles: dict[int, TileFacts], told: dict[int, MeasuredFacts]) -> Index:
        origin = np.array(plan.grid.origin_mm) + np.array(plan.grid.shift_mm)
        step = plan.grid.step_mm
        listed = [
            IndexedTile(
                points_key=self._stored.key(_points_name(number)),
                points_sha256=facts.sha256,
                deviations_key=self._stored.key(_deviations_name(number)),
                deviations_sha256=told[number].sha256,
                points=facts.points,
                low_mm=_floats(np.array(facts.low) * step + origin),
                high_mm=_floats(np.array(facts.high) * step + origin),
            )
            for number, facts in sorted(tiles.items())
        ]
        return Index(step, _floats(origin), sum(facts.points for facts in tiles.values()), listed)


def _validated(plan: Plan, decoded: dict[int, RunFacts]) -> int:
    """How many points the scan has. Refuses what a small scan would be refused for."""
    points = sum(facts.points for facts in decoded.values())
    bad = sum(facts.not_finite for facts in decoded.values())
    if not points:
        raise CloudEmpty(plan.name, f"all {plan.records:,} are zero or not finite")
    if bad * 100.0 > MAX_NOT_FINITE_PERCENT * plan.records:
        raise CloudNotFinite(plan.name, bad, plan.records, MAX_NOT_FINITE_PERCENT)
    return points


def _pose_of(transform: Floats, usual: UsualInWhole) -> str:
    """What tiles were measured under, in short."""
    told = np.ascontiguousarray(transform, "<f8").tobytes() + repr(usual).encode()
    return hashlib.sha256(told).hexdigest()[:32]


def _of_runs(plan: Plan, *kinds: str) -> list[str]:
    return [f"runs/{number:06}.{kind}" for number in range(plan.runs) for kind in kinds]


def _points_name(number: int) -> str:
    return f"tiles/{number:06}.points"


def _deviations_name(number: int) -> str:
    return f"tiles/{number:06}.deviations"


def _figures_name(number: int) -> str:
    return f"tiles/{number:06}.figures"


def _three(values: Cells) -> tuple[int, int, int]:
    x, y, z = (int(value) for value in values)
    return x, y, z


def _floats(values: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
