"""How generated code writes a leaf. In: a scalar or enum type. Out: the test under which a value stands for itself.

Only exact Python types pass: a subclass of `str`, a number as text and the like are coerced by graphql-core.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Final
from uuid import UUID

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
)

# A float minus itself is zero unless it is infinite or no number.
AS_THEY_ARE: Final[Mapping[GraphQLScalarType, str]] = {
    GraphQLString: "type(v) is str",
    GraphQLID: "type(v) is str",
    GraphQLBoolean: "type(v) is bool",
    GraphQLInt: "type(v) is int and -2147483648 <= v <= 2147483647",
    GraphQLFloat: "type(v) is float and v - v == 0.0",
}
# Values of these can be handed to a scalar's own coercion: they are neither null, nor an error, nor for later.
COERCED: Final = frozenset(
    {str, int, float, bool, bytes, list, tuple, dict, UUID, Decimal}
    | {datetime.datetime, datetime.date, datetime.time, datetime.timedelta}
)
# What a coercion may give without being looked at again.
USUAL: Final = frozenset({str, int, float, bool, list, tuple, dict})


def names_of_members(kind: GraphQLEnumType) -> tuple[type[Enum], dict[str, str]] | None:
    """The Python enum behind the type, and what each member is called in the graph; None where there is none."""
    python_type = getattr(kind, "wrapped_cls", None)
    if not isinstance(python_type, type) or not issubclass(python_type, Enum):
        return None
    names: dict[str, str] = {}
    for member in python_type:
        try:
            names[member.name] = kind.coerce_output_value(member)
        except Exception:  # noqa: S112  (a member that the graph does not know is an error of its own each time)
            continue
    return python_type, names
