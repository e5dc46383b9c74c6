"""The searches of a CUDA device: the tests of the distance kernel again, in Numba's simulator where there is no device.

On a machine with a device, `D2R_DEVICE=cuda .venv/bin/python -m pytest tests/kernels` runs all of them on it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from kernels import device
from kernels.device import Device
from kernels.distance import MeshIndex, cpu, directional
from kernels.distance.packets import Packets
from kernels.errors import DeviceMissing
from tests.kernels.test_distance import around

CHECKOUT = Path(__file__).resolve().parents[2]
SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1", "D2R_DEVICE": "cuda"}
ON_DEVICE = os.environ.get("D2R_DEVICE") == "cuda"
TESTS = (
    "test_distance.py::test_solids_are_measured_like_the_plain_loop[box]",
    "test_distance.py::test_solids_are_measured_like_the_plain_loop[flat cone]",
    "test_distance.py::test_any_soup_of_triangles_is_measured_like_the_plain_loop",
    "test_distance.py::test_points_on_a_needle_lie_on_it",
    "test_distance.py::test_an_open_mesh_is_measured_and_says_that_it_is_open",
    "test_distance.py::test_every_count_of_points_is_measured[17]",
    "test_distance.py::test_no_points_have_no_distances",
    "test_deviations.py::test_what_was_measured_to_is_named[box]",
    "test_deviations.py::test_along_a_direction_the_nearest_crossing_counts[direction0-sphere]",
    "test_deviations.py::test_along_a_direction_the_nearest_crossing_counts[direction2-box]",
    "test_deviations.py::test_any_soup_is_measured_along_any_direction",
    "test_deviations.py::test_beyond_the_limit_nothing_is_named",
    "test_cuda.py::test_a_cloud_in_batches_is_measured_as_on_the_cores",
    "test_cuda.py::test_a_mesh_leaves_the_device_with_its_index",
)


@pytest.mark.skipif(ON_DEVICE, reason="runs on the device itself")
@pytest.mark.timeout(900)
def test_the_simulated_device_measures_like_the_plain_loop() -> None:
    names = [f"tests/kernels/{name}" for name in TESTS]
    options = ["-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib -p no:dash"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *names],
        cwd=CHECKOUT, env={**os.environ, **SIMULATED}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert passed is not None
    assert int(passed[1]) >= len(TESTS)
    assert "skipped" not in ran.stdout


@pytest.mark.skipif(not ON_DEVICE, reason="needs a device, or the simulator")
@pytest.mark.parametrize("batch", [16, 48, 1024])
def test_a_cloud_in_batches_is_measured_as_on_the_cores(batch: int) -> None:
    from kernels.distance import cuda

    mesh = trimesh.creation.icosphere(subdivisions=1, radius=25)
    index, points = MeshIndex.build(mesh.vertices, mesh.faces), around(mesh, 60, seed=11)
    with index._packed(points, 30.0, presorted=False) as packets:
        assert_same(packets, arrays_of(index), cpu.search, cuda.search, batch)
        seen = directional.seen_along(np.array([0.0, 0.6, 0.8]), index.corners, index.triangle_count)
        arrays = (seen.turn, seen.tree.boxes, seen.tree.level_starts, seen.corners)
        assert_same(packets, arrays, directional.search_along, cuda.search_along, batch)


def arrays_of(index: MeshIndex) -> tuple[np.ndarray, ...]:
    return (index.tree.boxes, index.tree.level_starts, index.records, index.corners, index.pseudonormals)


def assert_same(packets: Packets, arrays: tuple[np.ndarray, ...], on_cores, on_device, batch: int) -> None:
    results = []
    for search, more in ((on_cores, {}), (on_device, {"batch": batch})):
        distances, slots = np.full(len(packets.order), 99.0), np.full(len(packets.order), -9, np.int32)
        search(packets.coordinates, packets.order, *arrays, 1.0, 25.0, distances, slots, **more)
        results.append((distances, slots))
    (expected, expected_slots), (found, found_slots) = results
    assert np.allclose(found, expected, rtol=0, atol=1e-12, equal_nan=True)
    assert np.isnan(expected).any()
    assert (~np.isnan(expected)).any()
    assert np.array_equal(found_slots < 0, expected_slots < 0)


@pytest.mark.skipif(not ON_DEVICE, reason="needs a device, or the simulator")
def test_a_mesh_leaves_the_device_with_its_index() -> None:
    from kernels.distance import cuda

    before = len(cuda._uploads)
    index = MeshIndex.build([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    assert index.signed_distance([[0.2, 0.2, 0.5]]).distance == pytest.approx([0.5])
    assert len(cuda._uploads) == before + 5
    del index
    assert len(cuda._uploads) == before


@pytest.mark.parametrize(
    ("wanted", "reason"), [("cuda", "Numba finds no driver or no device"), ("tpu", "known are cpu and cuda")]
)
def test_a_device_that_is_not_there_is_refused(wanted: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if ON_DEVICE or device._missing_for_cuda() is None:
        pytest.skip("there is a device")
    monkeypatch.setenv("D2R_DEVICE", wanted)
    with pytest.raises(DeviceMissing, match=reason):
        device.device.__wrapped__()


def test_the_cores_are_chosen_where_nothing_else_is_and_said() -> None:
    if device.device() is not Device.CPU:
        pytest.skip("there is a device")
    assert re.fullmatch(r"CPU, \d+ threads", device.described())
