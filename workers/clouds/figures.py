"""What one measured tile says, as bytes and back again: an .npz without pickles.

In: the figures of a piece. Out: the same, bit by bit, so that it does not matter who measured a tile.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from kernels.deviation.pieces import FacePiece, PieceFigures
from kernels.deviation.tally import Tally

Floats = NDArray[np.float64]


def packed_figures(said: PieceFigures) -> bytes:
    tallies = [each.tally for each in said.faces]
    file = io.BytesIO()
    np.savez_compressed(
        file,
        numbers=np.array([(each.face, each.tally.points, each.tally.strays, each.tally.inside) for each in said.faces]),
        values=np.array(
            [
                (each.lowest, each.highest, tally.mean, tally.squares, tally.minimum, tally.maximum)
                for each, tally in zip(said.faces, tallies, strict=True)
            ]
        ),
        bands=np.array([tally.bands for tally in tallies]),
        ends=np.cumsum([len(tally.rows) for tally in tallies]),
        rows=np.concatenate([tally.rows for tally in tallies]),
        counts=np.concatenate([tally.counts for tally in tallies]),
        seen=said.seen,
        centers=said.centers,
        deviations=said.deviations,
    )
    return file.getvalue()


def unpacked_figures(body: bytes, lower: float, upper: float) -> PieceFigures:
    """`lower` and `upper` are the zone that they were tallied for."""
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        kept = dict(arrays)
    ends = kept["ends"][:-1]
    each = zip(
        kept["numbers"].tolist(),
        kept["values"].tolist(),
        kept["bands"],
        np.split(kept["rows"], ends),
        np.split(kept["counts"], ends),
        strict=True,
    )
    faces = []
    for (face, points, strays, inside), values, bands, rows, counts in each:
        lowest, highest, mean, squares, minimum, maximum = values
        tally = Tally(
            lower=lower,
            upper=upper,
            points=points,
            strays=strays,
            mean=mean,
            squares=squares,
            minimum=minimum,
            maximum=maximum,
            inside=inside,
            bands=bands,
            rows=rows,
            counts=counts,
        )
        faces.append(FacePiece(face, tally, lowest, highest))
    return PieceFigures(tuple(faces), kept["seen"], kept["centers"], kept["deviations"])
