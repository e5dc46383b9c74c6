"""`./dev bench kernels`: our signed distance beside Open3D's and the installed peers', in one process.

Rounds of the contenders alternate and the medians are compared, since machines and their other guests differ; on a busy
machine believe the CPU time, which is of this process. Sorting is part of the time of what comes unsorted.
Errors are the worst against a plain loop in extended precision, over a few points.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.distance import MeshIndex, warm_up
from kernels.distance.packets import morton_order
from tests.bench.figures import Bar, show
from tests.bench.kernels.contenders import INSTALL, PEERS, Search, open3d_scene, open3d_search, ours
from tests.bench.kernels.meshes import Mesh, far, ring, rook, scan
from tests.kernels import naive

UNSORTED, SORTED, FAR = "unsorted", "sorted", "far"
LEAST = {UNSORTED: 8.0, SORTED: 12.0, FAR: 20.0}
BUILD_TIMES, TOLERANCE = 1.5, 1e-9
CHECKED = 8
COLUMNS = ["contender", "Mpoints/s", "CPU ns a point", "ours is times faster", "by CPU time", "error µm"]


@dataclass
class Taken:
    """What runs took, a point or whole."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def run(self, work: Callable[[], Any], share: float = 1.0) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.wall_s.append((time.perf_counter() - wall) * share)
        self.cpu_s.append((time.process_time() - cpu) * share)
        return result

    def times(self, other: Taken) -> float:
        """How many times as long as the other, by the clock."""
        return median(self.wall_s) / median(other.wall_s)

    def cpu_times(self, other: Taken) -> float:
        return median(self.cpu_s) / median(other.cpu_s)


@dataclass(frozen=True)
class Cloud:
    """Points, and how many of them the slower contenders are given."""

    kind: str
    points: NDArray[np.float32]
    fewer: int


def main(given: argparse.Namespace) -> None:
    numba.set_num_threads(given.threads)
    warm_up()
    print(f"{given.threads} threads; load {os.getloadavg()[0]:.1f}; peers are installed by: {INSTALL}", flush=True)
    bars: list[Bar] = []
    for mesh in (ring("ring 70k", 200, 175), rook()):
        if given.only in mesh.name:
            bars += measured(mesh, given)
    for bar in bars:
        print(bar.line())


def measured(mesh: Mesh, given: argparse.Namespace) -> list[Bar]:
    index, scene, bars = built(mesh, given)
    peers = [(peer.name, peer.prepare(mesh)) for peer in PEERS if peer.is_installed and not given.bare]
    for cloud in clouds(mesh, given):
        bars += searched(mesh, index, open3d_search(scene, given.threads), peers, cloud, given.rounds)
    return bars


def built(mesh: Mesh, given: argparse.Namespace) -> tuple[MeshIndex, Any, list[Bar]]:
    mine, embree = Taken(), Taken()
    for _ in range(given.rounds + 2):
        index = mine.run(lambda: ours(mesh))
        scene = embree.run(lambda: open3d_scene(mesh, given.threads))
    rows = [
        [name, f"{median(taken.wall_s) * 1e3:.0f}", f"{median(taken.cpu_s) * 1e3:.0f}"]
        for name, taken in (("ours", mine), ("Open3D (Embree)", embree))
    ]
    times = mine.times(embree)
    rows[0] += [f"{times:.2f}", f"{mine.cpu_times(embree):.2f}"]
    show(f"{mesh.name}: build", ["", "wall ms", "CPU ms", "times Embree's", "by CPU time"], rows, [])
    return index, scene, [Bar(f"kernels.{key_of(mesh)}.build.times", times, BUILD_TIMES)]


def clouds(mesh: Mesh, given: argparse.Namespace) -> list[Cloud]:
    unsorted = scan(mesh, int(1_000_000 * given.scale), seed=1)
    dense = scan(mesh, int(5_000_000 * given.scale), seed=2)
    away = far(mesh, int(1_000_000 * given.scale), seed=3)
    ordered = dense[morton_order(dense, given.threads)]
    return [
        Cloud(UNSORTED, unsorted, len(unsorted)),
        Cloud(SORTED, ordered, len(ordered)),
        Cloud(FAR, away, len(away) // 40),
    ]


def searched(
    mesh: Mesh, index: MeshIndex, scene: Search, peers: list[tuple[str, Search]], cloud: Cloud, rounds: int
) -> list[Bar]:
    """Alternate ours and Open3D; the peers run once over a part, after a few points that bring them into being."""

    def own(points: NDArray[np.float32]) -> NDArray[Any]:
        return index.signed_distance(points, presorted=cloud.kind == SORTED).distance

    mine, theirs, count = Taken(), Taken(), len(cloud.points)
    for _ in range(rounds):
        mine.run(lambda: own(cloud.points), 1 / count)
        theirs.run(lambda: scene(cloud.points[: cloud.fewer]), 1 / cloud.fewer)
    rows, part = [], cloud.points[: max(count // 20, 1000)]
    for name, taken, search in [("ours", mine, own), ("Open3D", theirs, scene)]:
        rows.append(row_of(name, taken, mine, error_mm(mesh, search, cloud)))
    for name, search in peers:
        taken, error = Taken(), error_mm(mesh, search, cloud)
        taken.run(lambda search=search: search(part), 1 / len(part))  # type: ignore[misc]
        rows.append(row_of(name, taken, mine, error))
    show(f"{mesh.name}: {count:,} points, {cloud.kind}", COLUMNS, rows, [])
    extent = float(np.ptp(np.vstack([mesh.vertices_mm, cloud.points]), axis=0).max())
    name = f"kernels.{key_of(mesh)}.{cloud.kind}"
    return [
        Bar(f"{name}.times", theirs.times(mine), LEAST[cloud.kind], at_least=True),
        Bar(f"{name}.error", error_mm(mesh, own, cloud) / extent, TOLERANCE),
    ]


def row_of(name: str, taken: Taken, mine: Taken, error: float) -> list[str]:
    speed, cpu_ns = 1e-6 / median(taken.wall_s), median(taken.cpu_s) * 1e9
    times = ["", ""] if taken is mine else [f"{taken.times(mine):.1f}", f"{taken.cpu_times(mine):.1f}"]
    return [name, f"{speed:.3g}", f"{cpu_ns:.0f}", *times, f"{error * 1e3:.2g}"]


def error_mm(mesh: Mesh, search: Search, cloud: Cloud) -> float:
    """The worst error in mm of the distances' amounts at a few points."""
    points = cloud.points[:: len(cloud.points) // CHECKED][:CHECKED]
    corners = mesh.vertices_mm.astype(np.longdouble)[mesh.triangles]
    has_area = naive.squared_length(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])) > 0
    true = [np.sqrt(naive.closest_feature(point, corners[has_area])[0]) for point in points.astype(np.longdouble)]
    return float(np.abs(np.abs(search(points)) - np.array(true)).max())


def key_of(mesh: Mesh) -> str:
    return mesh.name.replace(" ", "_")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench kernels")
    parser.add_argument("--only", default="", help="meshes whose name holds this: ring, rook")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of points")
    parser.add_argument("--threads", type=int, default=numba.get_num_threads())
    parser.add_argument("--bare", action="store_true", help="leave the peers out, but for Open3D")
    main(parser.parse_args())
