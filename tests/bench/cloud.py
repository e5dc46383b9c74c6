"""`./dev bench cloud [--points 170000000] [--format ply] [--kill]`: a scan larger than memory, from upload to verdict.

A part with a bulge of 0.30 mm is scanned as often as asked (20 µm noise, one stray in a thousand), written as PLY in
float32 (12 bytes a point: 170 M points are 2 GB) or as LAZ, and inspected by a whole platform through the graph. The
worker may take 2 GiB: its data (heap and private mappings, RLIMIT_DATA) is limited, its resident memory is watched.
With --kill the worker is ended by SIGKILL half through decode, sort and measure, and it is told where it goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infra.demo.graph_client import GraphClient
from infra.demo.inspecting import Inspector, ScanOrder, sign_in
from infra.demo.part import DemoPart, demo_part, write_stl
from infra.demo.people import quality_engineer
from infra.demo.scanner import Bulge
from infra.local.platform import Platform, any_free_port
from tests.bench.figures import Bar, show

LIMIT_BYTES = 2 << 30
KILLED_IN = ("decode", "sort", "measure")
BULGE = Bulge(height_mm=0.30)
NOISE_MM, STRAY = 0.02, 0.001
_AT_ONCE = 2_000_000
_SHIFT_MM = np.array([210.0, -140.0, 75.0], np.float32)

Floats = NDArray[np.float64]


def scanned(part: DemoPart, count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Points spread over the whole surface, as a scanner with its own frame gives them."""
    a, b, c = (part.vertices_mm[part.triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    ends = np.cumsum(areas)
    rows = np.searchsorted(ends, random.random(count) * ends[-1])
    u, v = random.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points = a[rows] + u * (b - a)[rows] + v * (c - a)[rows]
    lift = BULGE.lift_mm(points) + random.normal(0.0, NOISE_MM, count)
    stray = random.random(count) < STRAY
    lift[stray] += random.uniform(0.5, 15.0, int(stray.sum()))
    points += (normals / areas[:, None])[rows] * lift[:, None]
    # A quarter turn about Z: the scanner's own frame.
    return points[:, [1, 0, 2]].astype(np.float32) * np.array([-1, 1, 1], np.float32) + _SHIFT_MM


def write(path: Path, part: DemoPart, points: int) -> None:
    random = np.random.default_rng(7)
    sizes = [min(_AT_ONCE, points - start) for start in range(0, points, _AT_ONCE)]
    if path.suffix == ".ply":
        with path.open("wb") as file:
            head = f"ply\nformat binary_little_endian 1.0\ncomment unit: mm\nelement vertex {points}\n"
            file.write((head + "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n").encode())
            for size in sizes:
                scanned(part, size, random).tofile(file)
        return
    import laspy

    header = laspy.LasHeader(point_format=0, version="1.2")
    header.scales = np.full(3, 1e-3)
    with laspy.open(path, "w", header=header) as writer:
        for size in sizes:
            record = laspy.ScaleAwarePointRecord.zeros(size, header=header)
            record.x, record.y, record.z = scanned(part, size, random).astype(np.float64).T
            writer.write_points(record)


class Watched:
    """The resident memory of a worker and of those that take its place, ten times a second, by stage."""

    def __init__(self, pid: Callable[[], int | None]) -> None:
        self._pid_now, self._over = pid, threading.Event()
        self.pids: list[int] = []
        self.stage = "idle"
        self.peaks: dict[str, int] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            # Who was killed a moment ago is not there to be looked at.
            with suppress(FileNotFoundError, ProcessLookupError):
                self._look()

    def _look(self) -> None:
        pid = self._pid_now()
        if pid is None:
            return
        if pid not in self.pids:
            resource.prlimit(pid, resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
            self.pids.append(pid)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                bytes_now = int(line.split()[1]) * 1024
                self.peaks[self.stage] = max(self.peaks.get(self.stage, 0), bytes_now)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


class Killing:
    """Ends the worker by SIGKILL when half of a stage is done, once in each; tells where the next one goes on."""

    def __init__(self, stages: tuple[str, ...], watched: Watched) -> None:
        self._left, self._watched = list(stages), watched
        self._killed: tuple[str, float, int] | None = None
        self.done: list[tuple[str, float, float]] = []
        """Stage, what was done of it when the worker was killed, what was done when the next one first told."""

    def see(self, stage: str, done: float, total: float) -> None:
        pid = self._watched.pids[-1] if self._watched.pids else None
        if self._killed is not None:
            at, before, gone = self._killed
            if stage == at and pid != gone:
                print(f"{time.strftime('%H:%M:%S')} goes on in {stage} at {done:,.0f} of {total:,.0f}", flush=True)
                self.done.append((at, before, done))
                self._killed = None
        elif stage in self._left and pid is not None and total / 2 <= done < total:
            print(f"{time.strftime('%H:%M:%S')} kill -9 in {stage} at {done:,.0f} of {total:,.0f}", flush=True)
            self._left.remove(stage)
            self._killed = (stage, done, pid)
            os.kill(pid, signal.SIGKILL)


class Stages:
    """When each stage was first told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float]] = []
        self.watched: Watched | None = None
        self.killing: Killing | None = None

    def tell(self, name: str, done: float, total: float, stage: str) -> None:
        if not self.begun or self.begun[-1][0] != stage:
            self.begun.append((stage, time.monotonic()))
            print(f"{time.strftime('%H:%M:%S')} {name}: {stage}", flush=True)
        if self.watched is not None:
            self.watched.stage = stage
        if self.killing is not None:
            self.killing.see(stage, done, total)

    def seconds(self) -> dict[str, float]:
        told: dict[str, float] = {}
        ends = [begun for _, begun in self.begun[1:]] + [time.monotonic()]
        for (stage, begun), end in zip(self.begun, ends, strict=True):
            told[stage] = told.get(stage, 0.0) + end - begun
        return told


async def inspected(
    platform: Platform, running: Any, cad: Path, scan: Path, stages: Stages, killed_in: tuple[str, ...]
) -> dict[str, Any]:
    account = await quality_engineer(running)
    async with GraphClient(running.graph_url) as client:
        await sign_in(client, account.workspace, account.email, account.password)
        inspector = Inspector(client, stages.tell)
        revision, _ = await inspector.cad(cad, "MILLIMETRE", accept_flaws=False)
        stages.watched = Watched(lambda: platform.stack.supervisor.child("jobs").pid)
        stages.killing = Killing(killed_in, stages.watched)
        try:
            asset = await inspector.asset("LARGE-1", "Bracket")
            unit = None if scan.suffix == ".ply" else "MILLIMETRE"
            _, found = await inspector.scan(ScanOrder("LARGE-1", scan, 0.2, unit), asset, revision)
        finally:
            stages.watched.stop()
        kills = len(stages.killing.done)
        assert kills == len(killed_in), f"the worker was killed {kills} times and not in {', '.join(killed_in)}"
        assert len(stages.watched.pids) == kills + 1, "the worker died and was started again"
        return found


def main(points: int, format: str, killed_in: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part = demo_part()
        cad, scan = folder / "bracket.stl", folder / f"large.{format}"
        write_stl(part, cad)
        begun = time.monotonic()
        write(scan, part, points)
        size_gb, took_s = scan.stat().st_size / 1e9, time.monotonic() - begun
        print(f"{points:,} points written, {size_gb:.2f} GB, {took_s:.0f} s", flush=True)
        stages = Stages()
        platform = Platform(folder / "data", careless=True, port=any_free_port(), say=print)
        with platform as running:
            found = asyncio.run(inspected(platform, running, cad, scan, stages, killed_in))
        tell(points, stages, found)


def tell(points: int, stages: Stages, found: dict[str, Any]) -> None:
    assert stages.watched is not None
    seconds, peaks = stages.seconds(), stages.watched.peaks
    names = [stage for stage in seconds if stage in peaks and stage not in ("idle", "succeeded", "failed")]
    per_s = {stage: points / max(seconds[stage], 1e-9) / 1e6 for stage in names}
    rows = [[stage, f"{seconds[stage]:.1f}", f"{per_s[stage]:.2f}", f"{peaks[stage] / 2**20:.0f}"] for stage in names]
    worked = sum(seconds[stage] for stage in names if stage not in ("uploading", "waiting"))
    peak = max(peaks.values())
    rows.append(["all but uploading", f"{worked:.1f}", f"{points / worked / 1e6:.2f}", f"{peak / 2**20:.0f}"])
    print(found["status"], found["inspection"] and found["inspection"]["verdict"], found.get("problem"))
    right = found["status"] == "PROCESSED" and found["inspection"]["verdict"] == "FAIL"
    bars = [
        Bar("cloud.peak_mib", peak / 2**20, LIMIT_BYTES / 2**20),
        Bar("cloud.mpoints_per_s", points / worked / 1e6, 0.2, at_least=True),
        Bar("cloud.bulge_found", float(right), 1.0, at_least=True),
    ]
    if stages.killing is not None and stages.killing.done:
        # What is done anew after a kill: at most the pieces that were under way.
        kept = min(after / before for _, before, after in stages.killing.done)
        bars.append(Bar("cloud.kept_after_kill", kept, 0.9, at_least=True))
    show(f"{points:,} points", ["stage", "s", "Mpoints/s", "peak MiB"], rows, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=170_000_000)
    parser.add_argument("--format", choices=["ply", "laz", "las"], default="ply")
    parser.add_argument("--kill", action="store_true")
    given = parser.parse_args()
    main(given.points, given.format, KILLED_IN if given.kill else ())
