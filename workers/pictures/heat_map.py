"""The heat map: a part painted with the deviations of its scan, from four sides, with scale, legend and worst places.

In: the part, the scan's points in the part's frame, and their signed deviations (too much material above zero). Out: a
PNG, the same bytes for the same input. Refuses nothing: where no point lies the part stays grey.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from workers.pictures.colours import NO_DATA, Floats, Scale, scale_for
from workers.pictures.ray_scene import Mesh, RayScene
from workers.pictures.surface_values import SurfaceValues, WorstPlace
from workers.pictures.view import View, close_view, draw, whole_view

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES, _DPI = (13.0, 9.0), 140
_INK, _FAINT = "#1d2129", "#5b6370"
_PANEL = (0.385, 0.405)  # of the figure
_WORST_COUNT = 5
_EDGE_ON = 0.15
_NICE_LENGTHS = np.outer(10.0 ** np.arange(-3, 6), [1.0, 2.0, 5.0]).ravel()


def heat_map_png(mesh: Mesh, points_mm: Floats, deviation_mm: Floats, tolerance_mm: float, title: str) -> bytes:
    """Four views and a legend, 1820 x 1260 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    scene = RayScene(mesh)
    values = SurfaceValues(scene, points_mm, deviation_mm)
    scale = scale_for(deviation_mm, tolerance_mm)
    worst = values.worst(_WORST_COUNT)
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.02, 0.955, title, fontsize=17, fontweight="bold", color=_INK, va="center")
    figure.text(0.02, 0.92, _summary(deviation_mm, tolerance_mm), fontsize=11, color=_FAINT, va="center")
    for number, view in enumerate(_views(scene, worst[0])):
        place = (0.02 + (number % 2) * (_PANEL[0] + 0.012), 0.475 - (number // 2) * (_PANEL[1] + 0.045), *_PANEL)
        _panel(figure, place, view, scene, values, scale, worst)
    _scale_bar(figure, scale)
    _legend(figure, worst)
    out = io.BytesIO()
    # Without the name of the drawing program and its version, equal input gives equal bytes.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def worst_places(mesh: Mesh, points_mm: Floats, deviation_mm: Floats, count: int = _WORST_COUNT) -> list[WorstPlace]:
    """The places that the heat map marks, the worst first."""
    return SurfaceValues(RayScene(mesh), points_mm, deviation_mm).worst(count)


def _summary(deviation_mm: Floats, tolerance_mm: float) -> str:
    inside = 100.0 * float(np.mean(np.abs(deviation_mm) <= tolerance_mm))
    return f"{len(deviation_mm):,} points · {inside:.2f} % within ±{tolerance_mm:g} mm"


def _views(scene: RayScene, worst: WorstPlace) -> list[View]:
    width, height = (round(share * inches * _DPI) for share, inches in zip(_PANEL, _INCHES, strict=True))
    size = (width, height)
    place, normal = np.array(worst.position_mm), np.array(worst.normal)
    return [
        whole_view(scene, "From the front, right and above", np.array([0.8, -1.0, 0.8]), *size),
        whole_view(scene, "From the back, left and below", np.array([-0.8, 1.0, -0.8]), *size),
        whole_view(scene, "From above", np.array([0.0, 0.0, 1.0]), *size),
        close_view(scene, "Worst place, close up", place, normal, 0.17 * scene.diagonal_mm, *size),
    ]


def _panel(
    figure: Figure,
    place: tuple[float, float, float, float],
    view: View,
    scene: RayScene,
    values: SurfaceValues,
    scale: Scale,
    worst: list[WorstPlace],
) -> None:
    axes = figure.add_axes(place)
    axes.imshow(draw(view, scene, lambda places: scale.colours(values.at(places))), interpolation="nearest")
    axes.set(xlim=(-0.5, view.width - 0.5), ylim=(view.height - 0.5, -0.5), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color("#d4d8de")
    axes.set_title(view.title, fontsize=11, color=_INK, loc="left", pad=4)
    for number, spot in enumerate(worst, 1):
        position = np.array(spot.position_mm)
        # Seen edge-on, a wall would be marked on the outline, where nobody can tell what is meant.
        faces = float(np.array(spot.normal) @ view.towards) > _EDGE_ON
        if faces and view.is_visible(scene, position):
            _mark(axes, view, position, number)
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
    across, down, reach = 42.0, view.height - 38.0, 26.0
    for name, axis in zip("XYZ", np.eye(3), strict=True):
        right, below = float(axis @ view.right), -float(axis @ view.up)
        size = float(np.hypot(right, below))
        if size < 0.3:
            continue
        tip = (across + right * reach, down + below * reach)
        axes.annotate(
            "", tip, (across, down), arrowprops={"arrowstyle": "-|>", "color": _FAINT, "lw": 1.3, "shrinkA": 0}
        )
        away = (tip[0] + right / size * 9.0, tip[1] + below / size * 9.0)
        axes.text(away[0], away[1], name, fontsize=9, color=_FAINT, ha="center", va="center")


def _scale_bar(figure: Figure, scale: Scale) -> None:
    axes = figure.add_axes((0.835, 0.475, 0.026, 0.405))
    limit, tolerance = scale.limit_mm, scale.tolerance_mm
    axes.imshow(scale.table()[:, None, :], origin="lower", aspect="auto", extent=(0, 1, -limit, limit))
    ticks = [-limit, -tolerance, 0.0, tolerance, limit]
    labels = [f"≤ −{limit:g}", f"−{tolerance:g}", "0", f"+{tolerance:g}", f"≥ +{limit:g}"]
    axes.set(xticks=[], yticks=ticks)
    axes.set_yticklabels(labels, fontsize=10, color=_INK)
    axes.yaxis.tick_right()
    for edge in (-tolerance, tolerance):
        axes.axhline(edge, color=_INK, lw=1.6)
    figure.text(0.835, 0.893, "Deviation in mm", fontsize=11, fontweight="bold", color=_INK)
    for height, words in ((0.845, "too much\nmaterial"), (0.677, "within\ntolerance"), (0.51, "too little\nmaterial")):
        figure.text(0.925, height, words, fontsize=9, color=_FAINT, va="center", linespacing=1.25)


def _legend(figure: Figure, worst: list[WorstPlace]) -> None:
    from matplotlib.patches import Rectangle

    swatch = Rectangle((0.835, 0.425), 0.026, 0.022, transform=figure.transFigure, fc=NO_DATA, ec=_FAINT, lw=0.8)
    figure.add_artist(swatch)
    figure.text(0.869, 0.436, "no data", fontsize=10, color=_INK, va="center")
    figure.text(0.835, 0.375, "Worst places", fontsize=11, fontweight="bold", color=_INK)
    for number, spot in enumerate(worst, 1):
        top = 0.343 - (number - 1) * 0.055
        x, y, z = spot.position_mm
        figure.text(0.835, top, f"{number}", fontsize=11, fontweight="bold", color=_INK, va="center")
        figure.text(0.853, top, f"{spot.deviation_mm:+.3f} mm".replace("-", "−"), fontsize=11, color=_INK, va="center")
        at = f"at {x:.1f}, {y:.1f}, {z:.1f}".replace("-", "−")
        figure.text(0.853, top - 0.021, at, fontsize=8.5, color=_FAINT, va="center")
