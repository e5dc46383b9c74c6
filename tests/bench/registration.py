"""`./dev bench registration`: the pose of a million points, ours beside small_gicp and Open3D.

A synthetic part scanned once over, 20 um noise, 1 % strays, from 5 degrees and 50 mm off; the error is that of the
worst corner of the part's box. All in one process by turns, so that the ratios hold on a busy machine. Then random
poses of three parts with no start at all.

small_gicp is no dependency: `./dev kernel-peers` installs it; left out where it is not there.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from kernels.distance import MeshIndex
from kernels.errors import KernelError
from kernels.registration import register
from kernels.registration.motion import even_rotations, rotations
from kernels.registration.starts import surface_sample
from kernels.warming import warm_up
from tests.bench.figures import Bar, show
from tests.bench.libraries import open3d
from tests.kernels.registration.scans import angle_iron, bracket, stepped_block, worst_corner

NOISE_MM = 0.02
STRAYS = 0.01
TURN_DEGREES, SHIFT_MM = 5.0, 50.0
REFERENCE_POINTS = 1_000_000
"""Sampled from the CAD for the peers, which register clouds to clouds."""

Peer = Callable[[MeshIndex, np.ndarray, np.ndarray], np.ndarray]


def scan_of(index: MeshIndex, count: int, pose: np.ndarray, seed: int) -> np.ndarray:
    """A scan whose true transform is the inverse of `pose`, in no order."""
    random = np.random.default_rng(seed)
    points = surface_sample(index, count, seed=seed) + random.normal(0, NOISE_MM, (count, 3))
    lost = random.random(count) < STRAYS
    points[lost] += random.uniform(-10, 10, (np.count_nonzero(lost), 3))
    return random.permutation(points) @ pose[:3, :3].T + pose[:3, 3]


def pose_off(index: MeshIndex, seed: int) -> np.ndarray:
    """TURN_DEGREES about the part's middle and SHIFT_MM away, in random directions."""
    random = np.random.default_rng(seed)
    axis, way = random.normal(size=(2, 3))
    center = (index.low + index.high) / 2
    pose = np.eye(4)
    pose[:3, :3] = rotations((axis / np.linalg.norm(axis) * np.deg2rad(TURN_DEGREES))[None])[0]
    pose[:3, 3] = center - pose[:3, :3] @ center + SHIFT_MM * way / np.linalg.norm(way)
    return pose


def ours(index: MeshIndex, points: np.ndarray, start: np.ndarray) -> np.ndarray:
    return register(index, points, start=start).transform


def small_gicp(index: MeshIndex, points: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Point-to-plane, all points, both threads; from coarse to fine, as its authors advise for large offsets."""
    package = importlib.import_module("small_gicp")
    target = surface_sample(index, REFERENCE_POINTS, seed=99)
    threads = os.cpu_count() or 1
    transform = start
    for step, reach in ((1.0, 60.0), (0.3, 3.0), (0.0, 0.3)):
        fixed, moving = (package.PointCloud(cloud) for cloud in (target, points))
        if step:
            fixed, moving = (package.voxelgrid_sampling(cloud, step, num_threads=threads) for cloud in (fixed, moving))
        tree = package.KdTree(fixed, num_threads=threads)
        package.estimate_normals(fixed, tree, num_neighbors=10, num_threads=threads)
        found = package.align(
            fixed, moving, tree, transform, registration_type="PLANE_ICP", max_correspondence_distance=reach,
            num_threads=threads, max_iterations=60,
        )  # fmt: skip
        transform = found.T_target_source
    return np.asarray(transform)


def open3d_icp(index: MeshIndex, points: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Point-to-plane with Tukey's kernel, by the same three reaches."""
    pipelines, geometry, utility = open3d().pipelines.registration, open3d().geometry, open3d().utility
    target, scan = (
        geometry.PointCloud(utility.Vector3dVector(cloud))
        for cloud in (surface_sample(index, REFERENCE_POINTS, seed=99), points)
    )
    transform = start
    for step, reach in ((1.0, 60.0), (0.3, 3.0), (0.0, 0.3)):
        fixed, moving = ((cloud.voxel_down_sample(step) if step else cloud) for cloud in (target, scan))
        fixed.estimate_normals(geometry.KDTreeSearchParamKNN(10))
        loss = pipelines.TransformationEstimationPointToPlane(pipelines.TukeyLoss(reach))
        done = pipelines.ICPConvergenceCriteria(max_iteration=60)
        transform = pipelines.registration_icp(moving, fixed, reach, transform, loss, done).transformation
    return np.asarray(transform)


def timed(peer: Peer, index: MeshIndex, points: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Seconds, seconds of all cores together, and the pose."""
    begun, used = time.perf_counter(), time.process_time()
    found = peer(index, points, np.eye(4))
    return time.perf_counter() - begun, time.process_time() - used, found


def peers(with_open3d: bool) -> dict[str, Peer]:
    found: dict[str, Peer] = {"ours": ours}
    if importlib.util.find_spec("small_gicp"):
        found["small_gicp"] = small_gicp
    if with_open3d:
        found["open3d"] = open3d_icp
    return found


def near(count: int, rounds: int, with_open3d: bool) -> tuple[list[list[str]], list[Bar]]:
    """The same scan by all peers in turns, `rounds` times, each time in another pose."""
    index = bracket()
    seconds: dict[str, list[float]] = {name: [] for name in peers(with_open3d)}
    of_cores: dict[str, list[float]] = {name: [] for name in seconds}
    micrometres: dict[str, list[float]] = {name: [] for name in seconds}
    for seed in range(rounds):
        pose = pose_off(index, seed)
        points = scan_of(index, count, pose, seed)
        for name, peer in peers(with_open3d).items():
            took, cores, found = timed(peer, index, points)
            of_cores[name].append(cores)
            seconds[name].append(took)
            micrometres[name].append(1000 * worst_corner(index, found, np.linalg.inv(pose)))
    own = np.array(seconds["ours"])
    rows = [
        [
            name, f"{min(took):.2f}", f"{np.median(took):.2f}", f"{np.median(of_cores[name]):.2f}",
            f"{np.median(np.array(took) / own):.1f}",
            f"{np.median(micrometres[name]):.2f}", f"{max(micrometres[name]):.2f}",
        ]
        for name, took in seconds.items()
    ]  # fmt: skip
    bars = [
        Bar("registration_seconds", min(seconds["ours"]), 1.0),
        Bar("registration_worst_corner_um", max(micrometres["ours"]), 1.0),
    ]
    return rows, bars


def anywhere(poses: int) -> tuple[list[list[str]], list[Bar]]:
    """Random poses without a start: how many are found to a quarter of the noise."""
    rows, bars = [], []
    for part in (bracket, angle_iron, stepped_block):
        index, found, seconds = part(), 0, []
        for turn in range(poses):
            pose = np.eye(4)
            pose[:3, :3] = even_rotations(poses)[turn]
            pose[:3, 3] = np.random.default_rng(turn).uniform(-500, 500, 3)
            points = scan_of(index, 50_000, pose, turn)
            begun = time.perf_counter()
            found += is_found(partial(register, index, points), index, pose)
            seconds.append(time.perf_counter() - begun)
        rows.append([part.__name__, f"{found} of {poses}", f"{min(seconds):.2f}", f"{np.median(seconds):.2f}"])
        bars.append(Bar(f"registration_found_{part.__name__}", found / poses, 1.0, at_least=True))
    return rows, bars


def is_found(registering: Callable[[], object], index: MeshIndex, pose: np.ndarray) -> bool:
    """Within a quarter of the noise at the worst corner, without an ambiguity that is not there."""
    try:
        found = registering()
    except KernelError as error:
        print(f"refused: {error}")
        return False
    return worst_corner(index, found.transform, np.linalg.inv(pose)) < NOISE_MM / 4 and not found.ambiguous  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench registration", description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--poses", type=int, default=20)
    parser.add_argument("--open3d", action="store_true", help="measure Open3D, too (half a minute a round)")
    given = parser.parse_args()
    warm_up()
    rows, bars = near(given.points, given.rounds, given.open3d)
    load = f"load {os.getloadavg()[0]:.1f}"
    title = f"{given.points:,} points from {TURN_DEGREES:.0f} degrees and {SHIFT_MM:.0f} mm off; {load}"
    show(title, ["", "best s", "median s", "median core s", "times ours", "median um", "worst um"], rows, bars)
    rows, bars = anywhere(given.poses)
    show(f"random poses, no start; load {os.getloadavg()[0]:.1f}", ["part", "found", "best s", "median s"], rows, bars)


if __name__ == "__main__":
    main()
