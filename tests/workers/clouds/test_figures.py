"""What a tile says, stored and read again."""

from __future__ import annotations

import numpy as np

from kernels.deviation.pieces import FacePiece, PieceFigures
from kernels.deviation.tally import tally
from workers.clouds.figures import packed_figures, unpacked_figures


def test_what_a_tile_says_comes_back_bit_by_bit() -> None:
    random = np.random.default_rng(1)
    one, other = tally(random.normal(size=500), 3, -0.1, 0.2), tally(np.empty(0), 2, -0.1, 0.2)
    said = PieceFigures(
        (FacePiece(-1, one, -0.3, 0.4), FacePiece(7, other, np.inf, -np.inf)),
        np.array([4, 9]),
        random.random((2, 3)),
        np.array([0.4, -0.3]),
    )
    again = unpacked_figures(packed_figures(said), -0.1, 0.2)
    assert packed_figures(again) == packed_figures(said)
    assert [(each.face, each.lowest, each.highest) for each in again.faces] == [(-1, -0.3, 0.4), (7, np.inf, -np.inf)]
    assert (again.faces[0].tally.mean, again.faces[0].tally.strays) == (one.mean, 3)
    assert again.faces[0].tally.counts.tolist() == one.counts.tolist()
    assert (again.seen.tolist(), again.deviations.tolist()) == ([4, 9], [0.4, -0.3])
