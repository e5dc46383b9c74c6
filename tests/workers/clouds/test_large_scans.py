"""A small cloud cut into many tiles: measured as a large one, on the real store and database, killed at every stage."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import signal
import tracemalloc
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest
from scipy.spatial import cKDTree
from sqlalchemy import func, select, update

from db.blobs import Blobs, BlobSettings
from db.clouds.codec import unpacked_cells, unpacked_singles
from db.engine import Database, DatabaseSettings
from db.errors import BlobMissing
from db.tables.inspection import (
    AlignmentRow,
    DeviationBandRow,
    DeviationMapRow,
    DeviationProductRow,
    DeviationRegionRow,
    InspectionRow,
    WorstPointRow,
)
from db.tables.jobs import JobPieceRow, JobRow
from kernels.deviation.tally import resolution
from subgraphs.inspection.jobs import PROCESS_SCAN
from subgraphs.serving.global_ids import key_of
from tests.subgraphs.inspection.measured import worker
from tests.workers.conftest import Works, floor, house, works
from tests.workers.shop import bracket, ply, scanned, stl
from workers import inspection
from workers.actor import Handler, JobProblem, JobRefused, Run, Workplace, act
from workers.clouds.pieces import Index, Sizes

__all__ = ["floor", "house", "works"]

TOLERANCE = {"lowerMm": -0.1, "upperMm": 0.1}
BRACKET = stl(*bracket())
COUNT = 30_000
SMALL = Sizes(large=10_000, run=7_000, block=256, tile=5_000, sample=COUNT)
A_THIRD = msgspec.structs.replace(SMALL, sample=COUNT // 3)
SCANNED = scanned(bulge_mm=0.3, count=COUNT)


def small_handlers(works: Works) -> dict[str, Handler]:
    run = functools.partial(inspection.process_scan, sizes=SMALL)
    return {**works.place.handlers, PROCESS_SCAN: Handler(run, inspection.give_up_scan)}


async def begun(works: Works, serial: str, body: bytes, **more: Any) -> str:
    cad = await works.cad(BRACKET, "bracket")
    asset = await works.floor.asset(serial)
    done = await works.floor.scan(asset, cad["id"], body, f"scan-{serial}", tolerance=TOLERANCE, **more)
    return str(done["scan"]["id"])


async def done_large(works: Works, serial: str, body: bytes) -> str:
    id = await begun(works, serial, body)
    await Works(works.floor, replace(works.place, handlers=small_handlers(works), lease_s=60.0)).work_off()
    return id


async def rows(works: Works, *queries: Any) -> list[list[Any]]:
    async with works.place.database.begin(worker(works.floor.house.acme.id)) as work:
        return [list((await work.session.execute(query)).all()) for query in queries]


async def finished(works: Works, scan: str) -> dict[tuple[str, int], Any]:
    """When each kept piece was finished."""
    job = select(JobRow.id).where(JobRow.subject_id == key_of(scan, "Scan")).scalar_subquery()
    (found,) = await rows(works, select(JobPieceRow).where(JobPieceRow.job_id == job))
    return {(row.stage, row.number): row.finished_at for (row,) in found}


async def run_out(works: Works) -> None:
    """The lease of whoever was killed is over: what a minute would do."""
    async with works.place.database.begin(worker(works.floor.house.acme.id)) as work:
        await work.session.execute(update(JobRow).where(JobRow.state == "RUNNING").values(lease_until=func.now()))


async def map_of(works: Works, scan: str) -> DeviationMapRow:
    query = select(DeviationMapRow).where(DeviationMapRow.scan_id == key_of(scan, "Scan"))
    ((row,),) = (await rows(works, query))[0]
    return row


async def index_of(works: Works, row: DeviationMapRow) -> Index:
    body = await works.place.blobs.get(worker(works.floor.house.acme.id), row.deviations_key)
    return msgspec.json.decode(body, type=Index)


@dataclass(frozen=True)
class Told:
    """Everything that the database keeps of one inspection."""

    map: DeviationMapRow
    verdict: str
    transform: list[float]
    bands: list[tuple[int, int]]
    regions: list[DeviationRegionRow]
    worst: list[float]
    products: set[str]


async def told_of(works: Works, scan: str) -> Told:
    row = await map_of(works, scan)
    verdicts, poses, bands, regions, worst, products = await rows(
        works,
        select(InspectionRow.verdict).where(InspectionRow.scan_id == row.scan_id),
        select(AlignmentRow.transform).where(AlignmentRow.id == row.alignment_id),
        select(DeviationBandRow.position, DeviationBandRow.points)
        .where(DeviationBandRow.deviation_map_id == row.id)
        .order_by(DeviationBandRow.position),
        select(DeviationRegionRow)
        .where(DeviationRegionRow.deviation_map_id == row.id)
        .order_by(DeviationRegionRow.face),
        select(WorstPointRow.deviation_mm).where(WorstPointRow.deviation_map_id == row.id).order_by(WorstPointRow.rank),
        select(DeviationProductRow.kind).where(DeviationProductRow.deviation_map_id == row.id),
    )
    return Told(
        row,
        verdicts[0][0],
        poses[0][0],
        [tuple(band) for band in bands],
        [region for (region,) in regions],
        [value for (value,) in worst],
        {kind for (kind,) in products},
    )


async def test_a_large_scan_is_told_like_a_small_one(works: Works) -> None:
    # On the grid of the tiles, and all of them sampled: both ways see the very same points in the same pose.
    body = ply(np.round(SCANNED, 4))
    large = await told_of(works, await done_large(works, "large", body))
    id = await begun(works, "whole", body)
    await works.work_off()
    small = await told_of(works, id)
    assert (large.map.sampled_points, small.map.sampled_points) == (COUNT, None)
    assert large.transform == pytest.approx(small.transform, abs=1e-9)
    assert (large.verdict, large.bands, large.products) == (small.verdict, small.bands, small.products)
    _same_figures(large.map, small.map)
    assert sum(large.map.histogram_counts) == sum(small.map.histogram_counts)
    assert large.worst[0] == pytest.approx(small.worst[0], abs=small.map.uncertainty_mm)
    assert len(large.regions) == len(small.regions)
    for one, known in zip(large.regions, small.regions, strict=True):
        assert (one.shape, one.verdict, one.area_mm2) == (known.shape, known.verdict, known.area_mm2)
        assert (one.form_mm, one.position_mm) == pytest.approx((known.form_mm, known.position_mm), abs=1e-6)
        # A point above an edge is as near to both faces: either may have it.
        assert one.points == pytest.approx(known.points, abs=3)
        assert one.coverage == pytest.approx(known.coverage, abs=0.005)
        if known.mean_mm is not None:
            assert one.mean_mm == pytest.approx(known.mean_mm, abs=1e-5)
            assert one.profile_upper_mm == pytest.approx(known.profile_upper_mm, abs=known.uncertainty_mm)


def _same_figures(large: DeviationMapRow, small: DeviationMapRow) -> None:
    assert (large.points, large.strays) == (small.points, small.strays)
    for exact in ("mean_mm", "sigma_mm", "rms_mm", "minimum_mm", "maximum_mm", "percent_in_tolerance"):
        assert getattr(large, exact) == pytest.approx(getattr(small, exact), abs=1e-9), exact
    for binned in ("p95_mm", "p025_mm", "p975_mm", "robust_sigma_mm"):
        known = getattr(small, binned)
        assert getattr(large, binned) == pytest.approx(known, abs=2 * resolution(known, 0.2)), binned
    assert large.uncertainty_mm == pytest.approx(small.uncertainty_mm, rel=0.01)
    for local in ("profile_lower_mm", "profile_upper_mm"):
        assert getattr(large, local) == pytest.approx(getattr(small, local), abs=small.uncertainty_mm), local


async def _tiles_hold_every_point(works: Works, row: DeviationMapRow) -> None:
    """Once, in the place of the file, with its deviation."""
    index = await index_of(works, row)
    caller, blobs = worker(works.floor.house.acme.id), works.place.blobs
    assert (index.points, len(index.tiles) > 3) == (COUNT, True)
    found, deviations = [], 0
    for tile in index.tiles:
        cells = unpacked_cells(await blobs.get(caller, tile.points_key))
        points = cells * index.step_mm + np.array(index.origin_mm)
        assert np.allclose([points.min(axis=0), points.max(axis=0)], [tile.low_mm, tile.high_mm])
        deviations += len(unpacked_singles(await blobs.get(caller, tile.deviations_key)))
        found.append(points)
    places = np.concatenate(found)
    assert deviations == len(places) == len(SCANNED)
    away, nearest = cKDTree(places).query(SCANNED)
    assert len(np.unique(nearest)) == len(SCANNED)
    assert away.max() <= np.sqrt(3) * index.step_mm / 2 * 1.001


async def _nothing_else_is_left(works: Works, scan: UUID) -> None:
    for gone in ("runs/000000.blocks", "runs/000000.index", "runs/000000.sample", "tiles/000000.figures"):
        with pytest.raises(BlobMissing):
            await works.place.blobs.head(worker(works.floor.house.acme.id), f"scans/{scan}/{gone}")


async def test_a_large_scan_is_refused_like_a_small_one(works: Works) -> None:
    spoilt = np.where(np.arange(len(SCANNED))[:, None] % 10 == 0, np.nan, SCANNED)
    id = await done_large(works, "spoilt", ply(spoilt))
    assert (await works.scan(id))["problem"]["code"] == "CLOUD_NOT_FINITE"
    assert await finished(works, id) == {}
    await _nothing_else_is_left(works, key_of(id, "Scan"))


def dying(database: DatabaseSettings, blobs: BlobSettings, key: bytes, text: str, stage: str) -> None:
    """In a process of its own: work on the job until a piece of `stage` is finished, then kill -9."""

    async def run_and_die(run: Run) -> None:
        report = run.report

        async def deadly(done: int, total: int, unit: str, said: str) -> None:
            if said == stage and done > 0:
                os.kill(os.getpid(), signal.SIGKILL)
            await report(done, total, unit, said)

        run.report = deadly  # type: ignore[method-assign]
        await inspection.process_scan(run, A_THIRD)

    async def main() -> None:
        async with Database(database) as opened, Blobs(blobs) as store:
            handlers = {PROCESS_SCAN: Handler(run_and_die, inspection.give_up_scan)}
            await act(Workplace(opened, store, handlers, key, lease_s=60.0), text)

    asyncio.run(main())


@dataclass
class Seen:
    """What a run that is not killed told, and which pieces it had when it began to draw."""

    told: list[tuple[str, int, int]] = field(default_factory=list)
    pieces: dict[tuple[str, int], Any] = field(default_factory=dict)

    def rises(self) -> bool:
        """Every stage of points goes up to all of them."""
        for stage, each in groupby(self.told, key=lambda told: told[0]):
            steps = [(done, total) for _, done, total in each]
            falls = any(one > next for one, next in pairwise(steps))
            if stage in ("decode", "sort", "measure") and (falls or steps[-1] != (COUNT, COUNT)):
                return False
        return True

    def first(self, stage: str) -> int:
        """What was done of a stage when it was first told."""
        return next(done for each, done, _ in self.told if each == stage)


async def finished_watched(works: Works, id: str, text: str) -> Seen:
    seen = Seen()

    async def watched(run: Run) -> None:
        report = run.report

        async def look(done: int, total: int, unit: str, said: str) -> None:
            seen.told.append((said, done, total))
            if said == "draw":
                seen.pieces.update(await finished(works, id))
            await report(done, total, unit, said)

        run.report = look  # type: ignore[method-assign]
        await inspection.process_scan(run, A_THIRD)

    handlers = {**works.place.handlers, PROCESS_SCAN: Handler(watched, inspection.give_up_scan)}
    await act(replace(works.place, handlers=handlers, lease_s=60.0), text)
    return seen


async def killed_in(works: Works, id: str, text: str, stage: str) -> dict[tuple[str, int], Any]:
    """A worker process of its own is killed in this stage. The pieces that it and those before it finished."""
    settings = works.floor.house.settings
    child = multiprocessing.get_context("spawn").Process(
        target=dying, args=(settings.database_settings(), settings.blobs, works.place.signing_key, text, stage)
    )
    child.start()
    await asyncio.to_thread(child.join, 150)
    assert child.exitcode == -signal.SIGKILL
    await run_out(works)
    return await finished(works, id)


async def failed_in_sort(works: Works, id: str, text: str) -> dict[tuple[str, int], Any]:
    """An attempt that fails once a tile is finished. The pieces that are there then."""

    async def failing(run: Run) -> None:
        report = run.report

        async def fail(done: int, total: int, unit: str, said: str) -> None:
            if said == "sort" and done > 0:
                raise ConnectionError("The store is gone.")
            await report(done, total, unit, said)

        run.report = fail  # type: ignore[method-assign]
        await inspection.process_scan(run, A_THIRD)

    await act(replace(works.place, handlers={PROCESS_SCAN: Handler(failing, inspection.give_up_scan)}), text)
    return await finished(works, id)


@pytest.mark.timeout(600)
async def test_workers_that_are_killed_cost_no_finished_piece_and_no_point(works: Works) -> None:
    id = await begun(works, "killed", ply(SCANNED))
    (text,) = await works.wakeups()
    decoded = await killed_in(works, id, text, "decode")
    sorted_ = await failed_in_sort(works, id, text)
    measured = await killed_in(works, id, text, "measure")
    (job,) = (await rows(works, select(JobRow).where(JobRow.subject_id == key_of(id, "Scan"))))[0][0]
    assert (job.stage, job.unit, job.total) == ("measure", "points", COUNT)
    seen = await finished_watched(works, id, text)
    assert {stage for stage, _ in decoded} == {"plan", "run"}
    assert {stage for stage, _ in sorted_} == {"plan", "run", "tile"}
    assert {stage for stage, _ in measured} == {"plan", "run", "tile", "measured"}
    assert decoded.items() <= sorted_.items() <= measured.items(), "a finished piece was done again"
    assert measured.items() <= seen.pieces.items(), "a finished piece was done again"
    assert seen.rises()
    assert seen.first("sort") == COUNT, "what is kept is told as done, before anything is done anew"
    assert 0 < seen.first("measure") < COUNT
    scan = await works.scan(id)
    assert (scan["status"], scan["points"], scan["inspection"]["verdict"]) == ("PROCESSED", str(COUNT), "FAIL")
    made = select(InspectionRow.id).where(InspectionRow.scan_id == key_of(id, "Scan"))
    attempts = select(JobRow.attempts).where(JobRow.subject_id == key_of(id, "Scan"))
    assert [len(found) for found in await rows(works, made)] == [1]
    assert (await rows(works, attempts))[0][0][0] == 4
    assert await finished(works, id) == {}
    found = await told_of(works, id)
    assert found.map.sampled_points == pytest.approx(COUNT / 3, rel=0.05)
    assert scan["inspection"]["deviationMap"]["sampledPoints"] == str(found.map.sampled_points)
    assert found.map.points + found.map.strays == COUNT
    assert found.products == {"SCENE", "TILES", "TILE_INDEX", "SECTIONS", "SECTIONS_PICTURE"}
    assert found.map.profile_upper_mm == pytest.approx(0.3, abs=3 * found.map.uncertainty_mm)
    await _tiles_hold_every_point(works, found.map)
    await _nothing_else_is_left(works, key_of(id, "Scan"))


async def test_memory_does_not_grow_with_the_scan(works: Works) -> None:
    """Traced where all points go through; what is made of the sample is as large as the sample."""
    sizes = msgspec.structs.replace(SMALL, run=8_000, tile=8_000, sample=4_000)
    peaks: dict[tuple[str, str], int] = {}

    async def traced(scan: str, run: Run) -> None:
        report = run.report

        async def look(done: int, total: int, unit: str, said: str) -> None:
            await report(done, total, unit, said)
            if said in ("decode", "measure") and not tracemalloc.is_tracing():
                tracemalloc.start()
            elif said == "register a sample" or (said == "measure" and done == total):
                peaks[scan, said] = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            if said == "measure" and done == total:
                raise JobRefused(JobProblem("ENOUGH", "It was measured.", "Nothing."))

        run.report = look  # type: ignore[method-assign]
        await inspection.process_scan(run, sizes)

    for scan, count in (("short", 20_000), ("long", 80_000)):
        id = await begun(works, scan, ply(scanned(bulge_mm=0.3, count=count)))
        handlers = {PROCESS_SCAN: Handler(functools.partial(traced, scan), inspection.give_up_scan)}
        (text,) = await works.wakeups()
        await act(replace(works.place, handlers=handlers, lease_s=60.0), text)
        assert (await works.scan(id))["problem"]["code"] == "ENOUGH"
    # Four times the points. Measuring overlaps with fetching the next tile: of more tiles two peaks meet sooner.
    for stage, times in (("register a sample", 1.5), ("measure", 2.0)):
        assert peaks["long", stage] <= times * peaks["short", stage], peaks
