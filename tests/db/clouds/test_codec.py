"""Tiles as bytes: the same array comes back, bit by bit; damage is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from db.clouds.codec import packed_cells, packed_singles, unpacked_cells, unpacked_singles
from db.errors import TileDamaged

CELLS = arrays(np.int32, st.tuples(st.integers(0, 200), st.just(3)))
SINGLES = arrays(np.float32, st.integers(0, 200), elements=st.floats(width=32))


@given(CELLS)
def test_cells_come_back_as_they_were(cells: np.ndarray) -> None:
    again = unpacked_cells(packed_cells(cells))
    assert (again.dtype, again.shape) == (np.int32, cells.shape)
    assert again.tobytes() == cells.tobytes()


@given(SINGLES)
def test_numbers_come_back_as_they_were(values: np.ndarray) -> None:
    assert unpacked_singles(packed_singles(values)).tobytes() == values.tobytes()


def test_neighbours_take_few_bytes() -> None:
    random = np.random.default_rng(0)
    cells = np.cumsum(random.integers(-300, 300, (50_000, 3)), axis=0).astype(np.int32)
    assert len(packed_cells(cells)) < 5 * len(cells)


@pytest.mark.parametrize("at", [0, 5, 9, 40, -1])
def test_a_damaged_tile_is_refused(at: int) -> None:
    body = bytearray(packed_cells(np.arange(3000, dtype=np.int32).reshape(1000, 3) ** 2 % 7919))
    body[at] ^= 0x41
    with pytest.raises(TileDamaged):
        unpacked_cells(bytes(body))


def test_a_tile_cut_short_is_refused() -> None:
    body = packed_singles(np.linspace(0, 1, 999, dtype=np.float32))
    for length in (0, 3, 8, len(body) - 3):
        with pytest.raises(TileDamaged):
            unpacked_singles(body[:length])
