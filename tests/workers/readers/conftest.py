"""Small shapes and the writers of the formats under test, so that every damaged byte is placed on purpose."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

BOX_CORNERS = np.array([[x, y, z] for x in (0, 10) for y in (0, 20) for z in (0, 30)], dtype=np.float64)
BOX_TRIANGLES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


@pytest.fixture
def box() -> tuple[np.ndarray, np.ndarray]:
    """A closed box of 10 x 20 x 30, wound outwards."""
    return BOX_CORNERS.copy(), BOX_TRIANGLES.copy()


@pytest.fixture
def stl_bytes() -> Callable[..., bytes]:
    def write(corners: np.ndarray, triangles: np.ndarray, header: bytes = b"part") -> bytes:
        body = b"".join(
            struct.pack("<12fH", 0, 0, 0, *corners[triangle].astype(np.float32).ravel(), 0) for triangle in triangles
        )
        return header.ljust(80) + struct.pack("<I", len(triangles)) + body

    return write


@pytest.fixture
def cloud() -> np.ndarray:
    """A thousand points within 100, float32 exact, so that every format can hold them."""
    return np.random.default_rng(7).uniform(0, 100, (1000, 3)).astype(np.float32).astype(np.float64)


@pytest.fixture
def shared_data() -> Path:
    """Real files kept beside the checkout, where there are any."""
    root = Path(os.environ.get("D2R_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data"
    if not root.is_dir():
        pytest.skip("no shared data beside this checkout")
    return root
