"""The histogram of deviations, in the colours of the heat map, with the tolerance and the usual figures.

In: a survey (its strays are left out, as in the figures), the heat map's scale, and figures as name and value, not
computed here. Out: a PNG, the same bytes for the same input. What lies beyond the scale is counted in words at its end,
not squeezed into the last bar.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kernels.deviation import Survey
from workers.pictures.colours import Floats, Scale
from workers.pictures.zone import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT = "#1d2129", "#5b6370"
_BARS = 80


def histogram_png(found: Survey, scale: Scale, figures: Sequence[tuple[str, str]], title: str) -> bytes:
    """1400 x 700 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 5.0), dpi=140, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.08, 0.93, title, fontsize=15, fontweight="bold", color=_INK, va="center")
    axes = figure.add_axes((0.08, 0.13, 0.65, 0.70))
    _bars(axes, found.distances, scale)
    for number, (name, value) in enumerate(figures):
        height = 0.80 - number * 0.075
        figure.text(0.76, height, name, fontsize=10.5, color=_FAINT, va="center")
        figure.text(0.975, height, value, fontsize=10.5, color=_INK, va="center", ha="right")
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _bars(axes: Axes, deviation_mm: Floats, scale: Scale) -> None:
    zone, limit = scale.zone, scale.limit_mm
    borders = np.linspace(-limit, limit, _BARS + 1)
    counts, _ = np.histogram(deviation_mm, borders)
    shares = counts * (100.0 / max(len(deviation_mm), 1))
    middles = (borders[:-1] + borders[1:]) / 2.0
    axes.bar(
        middles, shares, width=borders[1] - borders[0], color=scale.colours(middles), edgecolor=_FAINT, linewidth=0.4
    )
    top = max(float(shares.max()), 1e-9) * 1.16
    for edge in (zone.lower_mm, zone.upper_mm):
        axes.axvline(edge, color=_INK, lw=1.4, ls=(0, (5, 3)))
        axes.text(edge, top * 1.015, f"{signed(edge)} mm", ha="center", va="bottom", fontsize=10, color=_INK)
    axes.axvline(0.0, color=_FAINT, lw=0.8)
    beyond = ((-limit, int(np.sum(deviation_mm < -limit)), "left"), (limit, int(np.sum(deviation_mm > limit)), "right"))
    for place, count, side in beyond:
        if count:
            # A share, not a count: of a large scan these are the points of a sample.
            words = f"{count * 100.0 / len(deviation_mm):.2g} % of points\nbeyond"
            axes.text(place * 0.985, top * 0.96, words, ha=side, va="top", fontsize=9, color=_FAINT)
    axes.set(xlim=(-limit, limit), ylim=(0.0, top))
    axes.set_xlabel("Deviation in mm  (too little material  ←  0  →  too much material)", fontsize=10.5, color=_INK)
    axes.set_ylabel("Share of points in %", fontsize=10.5, color=_INK)
    axes.tick_params(labelsize=10, colors=_INK)
    axes.grid(axis="y", color="#e4e7eb", lw=0.8)
    axes.set_axisbelow(True)
    for side_name in ("top", "right"):
        axes.spines[side_name].set_visible(False)
