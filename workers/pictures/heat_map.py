"""The heat map: a part painted with the deviations of its scan, from four sides, with scale, legend and worst places.

In: the part with its deviations (too much material above zero), and what was said of them: worst places and figures are
given, so that the picture cannot contradict the result. Out: a PNG, the
same bytes for the same input. Refuses nothing: where no point lies the part stays grey.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workers.pictures.colours import NO_DATA, Floats, Scale
from workers.pictures.painted import Painted
from workers.pictures.ray_scene import RayScene
from workers.pictures.surface_values import SurfaceValues
from workers.pictures.view import View, close_view, draw, whole_view
from workers.pictures.zone import WorstPlace, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES, _DPI = (13.0, 9.0), 140
_INK, _FAINT = "#1d2129", "#5b6370"
_PANEL = (0.385, 0.405)  # of the figure
_WORST_COUNT = 5
_EDGE_ON = 0.15
_APART_PIXELS = 48.0
_NICE_LENGTHS = np.outer(10.0 ** np.arange(-3, 6), [1.0, 2.0, 5.0]).ravel()


def heat_map_png(painted: Painted, worst: Sequence[WorstPlace], title: str, subtitle: str) -> bytes:
    """Up to four views and a legend, 1820 x 1260 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scene, values, scale = painted.scene, painted.values, painted.scale
    spots = _spots(scene, worst[:_WORST_COUNT])
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.02, 0.955, title, fontsize=17, fontweight="bold", color=_INK, va="center")
    figure.text(0.02, 0.92, subtitle, fontsize=11, color=_FAINT, va="center")
    for number, view in enumerate(_views(scene, spots)):
        place = (0.02 + (number % 2) * (_PANEL[0] + 0.012), 0.475 - (number // 2) * (_PANEL[1] + 0.045), *_PANEL)
        _panel(figure, place, view, scene, values, scale, spots)
    _scale_bar(figure, scale)
    _legend(figure, worst[:_WORST_COUNT])
    out = io.BytesIO()
    # Without the name of the drawing program and its version, equal input gives equal bytes.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


@dataclass(frozen=True, eq=False)
class _Spot:
    """A worst place's foot on the surface, and the way the surface faces there."""

    foot_mm: Floats
    normal: Floats


def _spots(scene: RayScene, worst: Sequence[WorstPlace]) -> list[_Spot]:
    if not worst:
        return []
    places = np.array([place.position_mm for place in worst])
    return [_Spot(*pair) for pair in zip(scene.feet(places), scene.normals_at(places), strict=True)]


def _views(scene: RayScene, spots: list[_Spot]) -> list[View]:
    width, height = (round(share * inches * _DPI) for share, inches in zip(_PANEL, _INCHES, strict=True))
    size = (width, height)
    views = [
        whole_view(scene, "From the front, right and above", np.array([0.8, -1.0, 0.8]), *size),
        whole_view(scene, "From the back, left and below", np.array([-0.8, 1.0, -0.8]), *size),
        whole_view(scene, "From above", np.array([0.0, 0.0, 1.0]), *size),
    ]
    half = 0.17 * scene.diagonal_mm
    close = [close_view(scene, "Worst place, close up", spot.foot_mm, spot.normal, half, *size) for spot in spots[:1]]
    return views + close


def _panel(
    figure: Figure,
    place: tuple[float, float, float, float],
    view: View,
    scene: RayScene,
    values: SurfaceValues,
    scale: Scale,
    spots: list[_Spot],
) -> None:
    axes = figure.add_axes(place)
    axes.imshow(draw(view, scene, lambda places: scale.colours(values.at(places))), interpolation="nearest")
    axes.set(xlim=(-0.5, view.width - 0.5), ylim=(view.height - 0.5, -0.5), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color("#d4d8de")
    axes.set_title(view.title, fontsize=11, color=_INK, loc="left", pad=4)
    marked: list[Floats] = []
    for number, spot in enumerate(spots, 1):
        # Seen edge-on, a wall would be marked on the outline, where nobody can tell what is meant.
        faces = float(spot.normal @ view.towards) > _EDGE_ON
        at = view.pixels_of(spot.foot_mm[None])[0]
        # Marks on top of one another cannot be read: the worse place keeps its mark, the list names all.
        free = all(np.linalg.norm(at - other) > _APART_PIXELS for other in marked)
        if faces and free and view.is_visible(scene, spot.foot_mm):
            marked.append(at)
            _mark(axes, view, spot.foot_mm, number)
    _length(axes, view)
    _directions(axes, view)


def _mark(axes: Axes, view: View, position_mm: Floats, number: int) -> None:
    from matplotlib.patheffects import withStroke

    column, row = view.pixels_of(position_mm[None])[0]
    axes.plot(column, row, "o", ms=11, mfc="none", mec="white", mew=3.2)
    axes.plot(column, row, "o", ms=11, mfc="none", mec=_INK, mew=1.4)
    to_left = column > 0.9 * view.width
    axes.annotate(
        str(number),
        (column, row),
        xytext=(-10 if to_left else 10, 8),
        textcoords="offset points",
        ha="right" if to_left else "left",
        fontsize=11,
        fontweight="bold",
        color=_INK,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def _length(axes: Axes, view: View) -> None:
    """A bar of a round length, about a fifth of the picture."""
    wanted = 0.22 * view.width * view.mm_per_pixel
    length = float(_NICE_LENGTHS[wanted >= _NICE_LENGTHS][-1])
    end, row = view.width - 16, view.height - 16
    start = end - length / view.mm_per_pixel
    axes.plot([start, end], [row, row], color=_INK, lw=2.4, solid_capstyle="butt")
    axes.text((start + end) / 2, row - 7, f"{length:g} mm", ha="center", va="bottom", fontsize=9, color=_INK)


def _directions(axes: Axes, view: View) -> None:
    """X, Y and Z as they lie in the picture; one that points at the eye is left out."""
    across, down, reach = 46.0, view.height - 40.0, 28.0
    for name, axis in zip("XYZ", np.eye(3), strict=True):
        right, below = float(axis @ view.right), -float(axis @ view.up)
        size = float(np.hypot(right, below))
        if size < 0.3:
            continue
        tip = (across + right * reach, down + below * reach)
        arrow = {"arrowstyle": "-|>", "color": _FAINT, "lw": 1.2, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
        axes.annotate("", tip, (across, down), arrowprops=arrow)
        away = (tip[0] + right / size * 9.0, tip[1] + below / size * 9.0)
        axes.text(away[0], away[1], name, fontsize=9, color=_FAINT, ha="center", va="center")


def _scale_bar(figure: Figure, scale: Scale) -> None:
    axes = figure.add_axes((0.835, 0.475, 0.026, 0.405))
    limit, zone = scale.limit_mm, scale.zone
    axes.imshow(scale.table()[:, None, :], origin="lower", aspect="auto", extent=(0, 1, -limit, limit))
    edges = [zone.lower_mm, zone.upper_mm]
    # Zero is named where its label has room.
    zero = [0.0] if min(map(abs, edges)) > 0.1 * limit else []
    ticks = [-limit, *edges, *zero, limit]
    labels = [f"≤ −{limit:g}", *map(signed, [*edges, *zero]), f"≥ +{limit:g}"]
    axes.set(xticks=[], yticks=ticks)
    axes.set_yticklabels(labels, fontsize=10, color=_INK)
    axes.yaxis.tick_right()
    for edge in edges:
        axes.axhline(edge, color=_INK, lw=1.6)
    figure.text(0.835, 0.893, "Deviation in mm", fontsize=11, fontweight="bold", color=_INK)
    amid = 0.475 + 0.405 * ((zone.lower_mm + zone.upper_mm) / (4.0 * limit) + 0.5)
    for height, words in ((0.845, "too much\nmaterial"), (amid, "within\ntolerance"), (0.51, "too little\nmaterial")):
        figure.text(0.925, height, words, fontsize=9, color=_FAINT, va="center", linespacing=1.25)


def _legend(figure: Figure, worst: Sequence[WorstPlace]) -> None:
    from matplotlib.patches import Rectangle

    swatch = Rectangle((0.835, 0.425), 0.026, 0.022, transform=figure.transFigure, fc=NO_DATA, ec=_FAINT, lw=0.8)
    figure.add_artist(swatch)
    figure.text(0.869, 0.436, "no data", fontsize=10, color=_INK, va="center")
    figure.text(0.835, 0.375, "Worst places", fontsize=11, fontweight="bold", color=_INK)
    for number, spot in enumerate(worst, 1):
        top = 0.343 - (number - 1) * 0.055
        x, y, z = spot.position_mm
        figure.text(0.835, top, f"{number}", fontsize=11, fontweight="bold", color=_INK, va="center")
        figure.text(0.853, top, f"{signed(spot.deviation_mm, '.3f')} mm", fontsize=11, color=_INK, va="center")
        at = f"at {x:.1f}, {y:.1f}, {z:.1f}".replace("-", "−")
        figure.text(0.853, top - 0.021, at, fontsize=8.5, color=_FAINT, va="center")
