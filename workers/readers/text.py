"""Read points from text: XYZ, CSV, TXT, ASC, PTS; any usual delimiter, with or without a header, comments anywhere.

Columns are found by their names, else the first three are x, y and z. The unit is read from a comment ("# unit: mm") or
a header ("x [mm]", "x_mm"). Decimal commas are read where semicolons or tabs separate. Refuses a line that does not
fit, and names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.errors import CloudEmpty, FileCorrupt, FileTooLarge
from workers.readers.number_text import numbers_in
from workers.readers.units import LengthUnit, unit_stated_in
from workers.readers.values import MAX_POINTS, Floats, RawCloud

_COMMENT = re.compile(rb"(?:#|//|%)[^\n]*")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|[-+]?inf", re.IGNORECASE)
_HEADER_UNIT = re.compile(r"^\s*(?:x|y|z)(?:[\s_]*[\[(]([a-zµ-]+)[\])]|_([a-zµ-]+))\s*$", re.IGNORECASE)
_AXES = {"x": "x", "y": "y", "z": "z", "coordx": "x", "coordy": "y", "coordz": "z", "easting": "x", "northing": "y"}
_COLOURS = {"r": 0, "g": 1, "b": 2, "red": 0, "green": 1, "blue": 2}


@dataclass(frozen=True)
class _Layout:
    delimiter: str
    columns: int
    axes: tuple[int, int, int]
    colours: tuple[int, int, int] | None
    unit: LengthUnit | None


def read_text(path: Path) -> RawCloud:
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    stated = unit_stated_in(b"\n".join(_COMMENT.findall(content)).decode("utf-8", "replace"))
    body = _COMMENT.sub(b"", content).lstrip() if re.search(rb"#|//|%", content) else content.lstrip()
    first, _, rest = body.partition(b"\n")
    if re.fullmatch(rb"\s*\d+\s*", first):  # PTS begins with its count
        body = rest.lstrip()
        first = body.partition(b"\n")[0]
    if not first.strip():
        raise CloudEmpty(path.name, "no line holds numbers")
    layout, has_header = _layout(path.name, first.decode("utf-8", "replace"))
    if has_header:
        body = body.partition(b"\n")[2].lstrip()
        layout = _with_width(path.name, layout, body)
    table = _table(path.name, body, layout)
    colours = table[:, list(layout.colours)] if layout.colours else None
    reason = "neither a comment nor a header states one"
    return RawCloud(table[:, list(layout.axes)], _as_bytes(colours), stated or layout.unit, reason)


def _layout(name: str, line: str) -> tuple[_Layout, bool]:
    delimiter = next((sign for sign in (";", "\t", ",") if line.count(sign) >= 2), " ")
    cells = [cell.strip().strip('"') for cell in (line.split() if delimiter == " " else line.split(delimiter))]
    while cells and not cells[-1]:
        cells.pop()
    if all(_NUMBER.fullmatch(cell.replace(",", ".")) for cell in cells):
        if len(cells) < 3:
            raise FileCorrupt(name, f"its first line has {len(cells)} numbers, three are needed")
        # By far most common: x y z r g b, and x y z intensity r g b.
        colours = {6: (3, 4, 5), 7: (4, 5, 6)}.get(len(cells))
        return _Layout(delimiter, len(cells), (0, 1, 2), colours, None), False
    plain = [re.sub(r"[\s_]*[\[(].*|_(?:mm|cm|m|um|in|ft)$", "", cell.lower()).strip() for cell in cells]
    places = {_AXES[title]: place for place, title in reversed(list(enumerate(plain))) if title in _AXES}
    if set(places) != {"x", "y", "z"}:
        raise FileCorrupt(name, f"its header '{line[:60].strip()}' names no x, y and z")
    colours_at = {_COLOURS[title]: place for place, title in enumerate(plain) if title in _COLOURS}
    found = {LengthUnit.named(match[1] or match[2]) for cell in cells if (match := _HEADER_UNIT.match(cell))}
    unit = found.pop() if len(found) == 1 else None
    colours = (colours_at[0], colours_at[1], colours_at[2]) if len(colours_at) == 3 else None
    return _Layout(delimiter, len(cells), (places["x"], places["y"], places["z"]), colours, unit), True


def _with_width(name: str, layout: _Layout, body: bytes) -> _Layout:
    """Delimiters of a header and of its rows differ at times ("x y z" above "1,2,3")."""
    first = body.partition(b"\n")[0].decode("utf-8", "replace")
    if not first.strip():
        raise CloudEmpty(name, "a header and nothing below it")
    below, is_words = _layout(name, first)
    if is_words or below.columns < max(layout.axes) + 1:
        raise FileCorrupt(name, f"the line below its header, '{first[:60]}', does not fit it")
    colours = layout.colours if layout.colours and max(layout.colours) < below.columns else None
    return _Layout(below.delimiter, below.columns, layout.axes, colours, layout.unit)


def _table(name: str, body: bytes, layout: _Layout) -> Floats:
    rows = body.count(b"\n") + 1
    if rows > MAX_POINTS:
        raise FileTooLarge(name, "lines", rows, MAX_POINTS)
    if layout.delimiter in ";\t":
        body = body.replace(b",", b".")
    if layout.delimiter in ";,":
        body = body.replace(layout.delimiter.encode(), b" ")
    _check_widths(name, body, layout.columns)
    try:
        return numbers_in(name, body).reshape(-1, layout.columns)
    except (FileCorrupt, ValueError):
        raise _misfit(name, body) from None


def _check_widths(name: str, body: bytes, columns: int) -> None:
    """Every line holds as many words as the first. By array: a loop over lines would take longer than reading."""
    codes = np.frombuffer(body + b"\n", np.uint8)
    blank = codes <= ord(" ")
    starts = ~blank
    starts[1:] &= blank[:-1]
    words = np.diff(np.cumsum(starts, dtype=np.int64)[codes == ord("\n")], prepend=0)
    misfits = np.flatnonzero((words != columns) & (words != 0))
    if len(misfits):
        shown = body.split(b"\n", misfits[0] + 1)[misfits[0]].decode("utf-8", "replace").strip()[:60]
        raise FileCorrupt(name, f"row {misfits[0] + 1:,}, '{shown}', is not {columns} numbers like the first")


def _misfit(name: str, body: bytes) -> FileCorrupt:
    for number, line in enumerate(body.decode("utf-8", "replace").split("\n"), 1):
        if not all(_NUMBER.fullmatch(word) for word in line.split()):
            return FileCorrupt(name, f"row {number:,}, '{line.strip()[:60]}', is not made of numbers")
    return FileCorrupt(name, "something among its numbers is not a number")


def _as_bytes(colours: Floats | None) -> NDArray[np.uint8] | None:
    # Below zero it was a normal, not a colour: columns without names are told by position only.
    if colours is None or float(np.nanmin(colours, initial=0.0)) < 0:
        return None
    top = float(np.nanmax(colours, initial=0.0))
    scale = 255.0 if top <= 1.0 else 255.0 / 65535.0 if top > 255.0 else 1.0
    return np.clip(np.nan_to_num(colours * scale), 0, 255).astype(np.uint8)
