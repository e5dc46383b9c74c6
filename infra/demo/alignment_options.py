"""Read how a part is held as people type it: locked degrees, datums, reference points, a pose to start from.

In: the options of `inspect`. Out: the graph's `AlignmentInput` and `poseHint`. Refuses what it cannot read without
guessing; what the words mean together is the graph's to judge. Places are in millimetres of the CAD's frame.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from infra.demo.lengths import millimetres

DEGREES = {
    "tx": "TRANSLATION_X", "ty": "TRANSLATION_Y", "tz": "TRANSLATION_Z",
    "rx": "ROTATION_X", "ry": "ROTATION_Y", "rz": "ROTATION_Z",
}  # fmt: skip
_LARGEST_MATRIX_FILE = 10_000


class OptionUnclear(ValueError):
    """An option that cannot be read; says how to write it."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options by which a part is held; without any the whole scan is fitted."""
    held = parser.add_argument_group(
        "alignment", "What holds the part, one of: --lock, --datum, --reference-point; by default a best fit."
    )
    held.add_argument("--lock", metavar="tz,rx,ry", help=f"keep degrees as the pose has them: {', '.join(DEGREES)}")
    held.add_argument("--lock-frame", type=Path, metavar="FILE", help="whose axes are meant: 4 by 4 numbers as text")
    held.add_argument(
        "--datum", action="append", default=[], metavar="A=X,Y,Z", help="a place on a datum feature; primary first"
    )
    held.add_argument(
        "--reference-point",
        action="append",
        default=[],
        metavar="A1=X,Y,Z/I,J,K",
        help="a place of the CAD and the direction in which it holds (six or more)",
    )
    held.add_argument("--reference-radius", metavar="2mm", help="of the scan's patch around each reference point")
    held.add_argument(
        "--pose-hint", type=Path, metavar="FILE", help="about how scan lies on CAD: 4 by 4 numbers, in mm"
    )


def alignment_of(given: argparse.Namespace) -> dict[str, object] | None:
    """The graph's `AlignmentInput`, with only what was said; None for a best fit. Raises OptionUnclear."""
    asked: dict[str, object] = {}
    if given.lock is not None:
        asked["lockedDegrees"] = [_degree(name) for name in given.lock.split(",")]
    if given.lock_frame is not None:
        asked["lockFrame"] = matrix_of(given.lock_frame)
    if given.datum:
        asked["datums"] = [_datum(text) for text in given.datum]
    if given.reference_point:
        asked["referencePoints"] = [_reference_point(text) for text in given.reference_point]
    if given.reference_radius is not None:
        asked["referenceRadiusMm"] = millimetres(given.reference_radius)
    return asked or None


def matrix_of(path: Path) -> list[float]:
    """Sixteen numbers, row by row, apart by spaces, commas or lines. Raises OptionUnclear."""
    try:
        text = path.read_text(encoding="utf-8")[:_LARGEST_MATRIX_FILE]
        numbers = [float(part) for part in re.split(r"[\s,;]+", text.strip())]
    except (OSError, ValueError):
        numbers = []
    if len(numbers) != 16:
        raise OptionUnclear(f"{path} holds no transform. Write 4 lines of 4 numbers each, the last one 0 0 0 1.")
    return numbers


def _degree(name: str) -> str:
    try:
        return DEGREES[name.strip().lower()]
    except KeyError:
        raise OptionUnclear(f"'{name}' is no degree of freedom; these are: {', '.join(DEGREES)}.") from None


def _datum(text: str) -> dict[str, object]:
    label, _, place = text.partition("=")
    vector = _vector(place)
    if not label or vector is None:
        raise OptionUnclear(f"'{text}' is no datum. Write its label and a place on it, such as A=10,20,0.")
    return {"label": label, "placeMm": vector}


def _reference_point(text: str) -> dict[str, object]:
    name, _, rest = text.partition("=")
    place, direction = map(_vector, (rest.partition("/")[0], rest.partition("/")[2]))
    if not name or place is None or direction is None:
        raise OptionUnclear(
            f"'{text}' is no reference point. Write its name, place and direction, such as A1=10,20,0/0,0,-1."
        )
    return {"name": name, "placeMm": place, "direction": direction}


def _vector(text: str) -> list[float] | None:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    return numbers if len(numbers) == 3 else None
