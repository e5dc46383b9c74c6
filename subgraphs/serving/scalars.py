"""The scalars that all subgraphs share. In: Python values. Out: their one JSON form, and back; all else is refused.

A subgraph annotates a field with the Python type on the left; `SCALARS` goes into its schema's configuration:
`datetime` DateTime, `Decimal` Decimal, `Sha256` SHA256, `Vec3` Vec3, `Matrix4` Matrix4, `BigInt` BigInt.
"""

import datetime
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

Sha256 = NewType("Sha256", str)
Vec3 = NewType("Vec3", tuple[float, float, float])
Matrix4 = NewType("Matrix4", tuple[float, ...])
BigInt = NewType("BigInt", int)

_SHA256_TEXT = re.compile(r"[0-9a-f]{64}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def moment_text(moment: datetime.datetime) -> str:
    """RFC 3339 in UTC with a `Z`; a moment without a zone is a bug of ours and refused."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs its time zone.")
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def read_moment(value: object) -> datetime.datetime:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("DateTime is RFC 3339 text with a zone, such as 2026-01-31T12:00:00Z.")
    return datetime.datetime.fromisoformat(value).astimezone(datetime.UTC)


def read_sha256(value: object) -> Sha256:
    if not isinstance(value, str) or not _SHA256_TEXT.fullmatch(value):
        raise ValueError("SHA256 is 64 lower-case hex digits.")
    return Sha256(value)


def read_decimal(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError("Decimal is sent as text, so that no digit is lost.")
    try:
        number = Decimal(value)
    except InvalidOperation as unreadable:
        raise ValueError("Decimal is a number as text, such as 12.50.") from unreadable
    if not number.is_finite():
        raise ValueError("Decimal must be finite.")
    return number


def read_big_int(value: object) -> BigInt:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("BigInt is a whole number, or one as text.")
    return BigInt(int(value))


def _numbers(value: object, count: int, name: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError(f"{name} is a list of {count} numbers.")
    numbers = tuple(float(part) for part in value if isinstance(part, int | float) and not isinstance(part, bool))
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} is a list of {count} finite numbers.")
    return numbers


def read_vec3(value: object) -> Vec3:
    x, y, z = _numbers(value, 3, "Vec3")
    return Vec3((x, y, z))


def read_matrix4(value: object) -> Matrix4:
    return Matrix4(_numbers(value, 16, "Matrix4"))


def _scalar(
    name: str, description: str, write: Callable[..., object], read: Callable[[object], object]
) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=write, parse_value=read)


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime.datetime: _scalar("DateTime", "A moment: RFC 3339, UTC.", moment_text, read_moment),
    Decimal: _scalar("Decimal", "An exact decimal number, as text.", str, read_decimal),
    Sha256: _scalar("SHA256", "A SHA-256 digest: 64 lower-case hex digits.", str, read_sha256),
    Vec3: _scalar("Vec3", "Three numbers: x, y, z.", list, read_vec3),
    Matrix4: _scalar("Matrix4", "A 4x4 matrix, row by row: 16 numbers.", list, read_matrix4),
    BigInt: _scalar("BigInt", "A whole number past 32 bits, as text.", str, read_big_int),
}
