"""The rows of one PLY element, from bytes or from text, with lists of any length.

Rows whose lists all have one length (nearly every file) are read as one array; only the rest are walked row by row.
Refuses to take memory for rows that the file has no bytes for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from workers.errors import FileCorrupt, FileTruncated
from workers.readers.number_text import numbers_in
from workers.readers.values import Indices


class Column(NamedTuple):
    """One property. `length_kind` is the type of a list's length, None for a plain value."""

    name: str
    kind: str
    length_kind: str | None


@dataclass(frozen=True)
class Element:
    name: str
    count: int
    columns: tuple[Column, ...]


class Table:
    """The rows of one element: a record array, or for ragged lists one row of lists each."""

    def __init__(self, names: tuple[str, ...], rows: NDArray[np.void] | list[dict[str, Indices]]) -> None:
        self.names, self.rows = names, rows

    def column(self, name: str) -> NDArray[np.generic]:
        if isinstance(self.rows, list):
            return np.array([row[name][0] for row in self.rows])
        return self.rows[name]

    def lists(self, name: str) -> Indices | list[Indices]:
        """A list property: one array when all have the same length, else one array a row."""
        if isinstance(self.rows, list):
            return [row[name] for row in self.rows]
        return np.asarray(self.rows[name], dtype=np.int64).reshape(len(self.rows), -1)


class ByteRows:
    """Takes elements one after the other from a binary body."""

    def __init__(self, file_name: str, body: memoryview, order: str) -> None:
        self._file_name, self._body, self._order, self._at = file_name, body, order, 0

    def take(self, element: Element) -> Table:
        names = tuple(column.name for column in element.columns)
        if element.count == 0:
            return Table(names, [])
        record = self._record(element)
        room = (len(self._body) - self._at) // max(record.itemsize, 1)
        if room >= element.count:
            rows = np.frombuffer(self._body, record, element.count, self._at)
            if all((rows[key] == rows[key][0]).all() for key in record.names or () if key.startswith("length of ")):
                self._at += element.count * record.itemsize
                return Table(names, rows)
        elif all(column.length_kind is None for column in element.columns):
            self._refuse(element, room)
        return Table(names, self._walk(element))

    def _record(self, element: Element) -> np.dtype[np.void]:
        """The layout of the first row, taken as the layout of all."""
        fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = []
        at = self._at
        for column in element.columns:
            if column.length_kind is None:
                fields.append((column.name, self._order + column.kind))
                at += np.dtype(column.kind).itemsize
                continue
            length = self._length(element, column, at, 0)
            fields.append((f"length of {column.name}", self._order + column.length_kind))
            fields.append((column.name, self._order + column.kind, (length,)))
            at += np.dtype(column.length_kind).itemsize + length * np.dtype(column.kind).itemsize
        try:
            return np.dtype(fields)
        except ValueError as failure:
            raise FileCorrupt(self._file_name, f"its header names a property of {element.name} twice") from failure

    def _walk(self, element: Element) -> list[dict[str, Indices]]:
        rows: list[dict[str, Indices]] = []
        at = self._at
        for index in range(element.count):
            row: dict[str, Indices] = {}
            for column in element.columns:
                length = 1
                if column.length_kind is not None:
                    length = self._length(element, column, at, index)
                    at += np.dtype(column.length_kind).itemsize
                size = length * np.dtype(column.kind).itemsize
                if at + size > len(self._body):
                    self._refuse(element, index)
                row[column.name] = np.frombuffer(self._body, self._order + column.kind, length, at)
                at += size
            rows.append(row)
        self._at = at
        return rows

    def _length(self, element: Element, column: Column, at: int, index: int) -> int:
        size = np.dtype(column.length_kind).itemsize
        if at + size > len(self._body):
            self._refuse(element, index)
        length = int(np.frombuffer(self._body, self._order + str(column.length_kind), 1, at)[0])
        if length < 0 or length * np.dtype(column.kind).itemsize > len(self._body) - at:
            self._refuse(element, index)
        return length

    def _refuse(self, element: Element, whole: int) -> NoReturn:
        raise FileTruncated(self._file_name, f"{whole:,} whole rows of the {element.count:,} of {element.name}")


class NumberRows:
    """Takes elements one after the other from a text body: one long run of numbers."""

    def __init__(self, file_name: str, body: bytes) -> None:
        self._file_name, self._at = file_name, 0
        self._numbers = numbers_in(file_name, body)

    def take(self, element: Element) -> Table:
        names = tuple(column.name for column in element.columns)
        if element.count == 0:
            return Table(names, [])
        fields, lengths_at, width = self._record(element)
        end = self._at + element.count * width
        if end <= len(self._numbers):
            rows = self._numbers[self._at : end].reshape(element.count, width)
            if all((rows[:, place] == rows[0, place]).all() for place in lengths_at):
                self._at = end
                return Table(names, np.ascontiguousarray(rows).view(np.dtype(fields)).reshape(-1))
        elif not lengths_at:
            self._refuse(element, (len(self._numbers) - self._at) // max(width, 1))
        return Table(names, self._walk(element))

    def _record(self, element: Element) -> tuple[list[tuple[str, str, tuple[int, ...]]], list[int], int]:
        fields: list[tuple[str, str, tuple[int, ...]]] = []
        lengths_at: list[int] = []
        width = 0
        for column in element.columns:
            length = 1
            if column.length_kind is not None:
                length = self._length(element, self._at + width, 0)
                fields.append((f"length of {column.name}", "f8", ()))
                lengths_at.append(width)
                width += 1
            fields.append((column.name, "f8", () if column.length_kind is None else (length,)))
            width += length
        return fields, lengths_at, width

    def _walk(self, element: Element) -> list[dict[str, Indices]]:
        rows: list[dict[str, Indices]] = []
        at = self._at
        for index in range(element.count):
            row: dict[str, Indices] = {}
            for column in element.columns:
                length = 1
                if column.length_kind is not None:
                    length = self._length(element, at, index)
                    at += 1
                if at + length > len(self._numbers):
                    self._refuse(element, index)
                values = self._numbers[at : at + length]
                row[column.name] = values.astype(np.int64) if column.length_kind else values  # type: ignore[assignment]
                at += length
            rows.append(row)
        self._at = at
        return rows

    def _length(self, element: Element, at: int, index: int) -> int:
        if at >= len(self._numbers):
            self._refuse(element, index)
        length = self._numbers[at]
        if not 0 <= length <= len(self._numbers) - at:
            self._refuse(element, index)
        return int(length)

    def _refuse(self, element: Element, whole: int) -> NoReturn:
        raise FileTruncated(self._file_name, f"{whole:,} whole rows of the {element.count:,} of {element.name}")
