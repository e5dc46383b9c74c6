"""Sections as a picture: the nominal outline, and beside it the deviation along it, magnified and coloured.

In: sections, the part's surface, a scale. Out: a PNG of up to four panels, the same bytes for the same input. Where
there is no data only the outline is drawn.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workers.pictures.colours import NO_DATA, Floats, Scale
from workers.pictures.ray_scene import RayScene
from workers.pictures.zone import signed
from workers.sections import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT = "#1d2129", "#5b6370"
_LIMIT_SHARE = 0.06
"""Of the panel's width, to which the scale's limit is magnified."""


def sections_png(sections: Sequence[Section], scene: RayScene, scale: Scale, title: str) -> bytes:
    """1820 x 1260 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 9.0), dpi=140, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.03, 0.955, title, fontsize=17, fontweight="bold", color=_INK, va="center")
    zone = scale.zone
    words = f"Sections; tolerance {signed(zone.lower_mm)} to {signed(zone.upper_mm)} mm; dotted: the limits, magnified"
    figure.text(0.03, 0.92, words, fontsize=11, color=_FAINT, va="center")
    for number, section in enumerate(sections[:4]):
        axes = figure.add_axes((0.055 + (number % 2) * 0.43, 0.51 - (number // 2) * 0.45, 0.375, 0.365))
        _panel(axes, section, scene, scale)
    _scale_bar(figure.add_axes((0.9, 0.51, 0.022, 0.345)), scale)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _panel(axes: Axes, section: Section, scene: RayScene, scale: Scale) -> None:
    from matplotlib.collections import LineCollection

    across, upward, names = _axes_of(section.normal)
    flat = np.column_stack([across, upward])
    spread = max(float(np.ptp(line.places @ flat, axis=0).max()) for line in section.lines)
    magnified = _LIMIT_SHARE * spread / scale.limit_mm
    for line in section.lines:
        places = line.places @ flat
        outward = scene.normals_at(line.places) @ flat
        outward /= np.maximum(np.linalg.norm(outward, axis=1), 1e-9)[:, None]
        axes.plot(*places.T, color=_INK, lw=0.9, zorder=3)
        for limit in (scale.zone.lower_mm, scale.zone.upper_mm):
            axes.plot(*(places + magnified * limit * outward).T, ":", color=_FAINT, lw=0.6)
        known = ~np.isnan(line.deviations)
        ends = places + magnified * np.nan_to_num(line.deviations)[:, None] * outward
        colours = scale.colours(line.deviations)
        axes.add_collection(
            LineCollection(list(np.stack([places, ends], axis=1)[known]), colors=colours[known], linewidths=1.6)
        )
        axes.plot(*places[~known].T, ".", color=NO_DATA, ms=2.2, zorder=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.10)
    axes.tick_params(labelsize=8, colors=_FAINT)
    axes.set_xlabel(f"{names[0]} in mm", fontsize=9, color=_FAINT, labelpad=1)
    axes.set_ylabel(f"{names[1]} in mm", fontsize=9, color=_FAINT, labelpad=1)
    at = float(section.point_mm @ section.normal)
    words = f"{section.name.capitalize()}: {names[2]} = {signed(at, '.2f')} mm, deviations {magnified:.0f} times"
    axes.set_title(words, fontsize=11, color=_INK, loc="left", pad=4)
    for spine in axes.spines.values():
        spine.set_color("#d4d8de")


def _axes_of(normal: Floats) -> tuple[Floats, Floats, str]:
    """Right, up, and the names of right, up and the normal, for a plane across one axis."""
    axis = int(np.argmax(np.abs(normal)))
    right, up = ((1, 2), (0, 2), (0, 1))[axis]
    return np.eye(3)[right], np.eye(3)[up], "XYZ"[right] + "XYZ"[up] + "XYZ"[axis]


def _scale_bar(axes: Axes, scale: Scale) -> None:
    limit, zone = scale.limit_mm, scale.zone
    axes.imshow(scale.table()[:, None, :], origin="lower", aspect="auto", extent=(0, 1, -limit, limit))
    edges = [zone.lower_mm, zone.upper_mm]
    axes.set(xticks=[], yticks=[-limit, *edges, limit])
    axes.set_yticklabels([f"≤ −{limit:g}", *map(signed, edges), f"≥ +{limit:g}"], fontsize=10, color=_INK)
    axes.yaxis.tick_right()
    for edge in edges:
        axes.axhline(edge, color=_INK, lw=1.6)
    axes.set_title("Deviation\nin mm", fontsize=11, fontweight="bold", color=_INK, loc="left", pad=8)
