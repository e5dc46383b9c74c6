"""Struct types, each made once: what is asked alike, in one program or in many, is read into the same type.

Operations ask the same things of the same types again and again. A type takes 1.5 kB and a tenth of a millisecond, and
200 operations over one graph came to 9,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import msgspec
from msgspec import NODEFAULT, Struct

Entry = tuple[str, Any, Any]
"""An attribute, its type, and its default; NODEFAULT for what must be there."""

# A type goes when the last program that reads it goes.
_made: WeakValueDictionary[tuple[object, ...], type[Struct]] = WeakValueDictionary()


def struct_type(
    name: str,
    entries: Sequence[Entry],
    keys: Mapping[str, str] | None = None,
    *,
    tag: str | None = None,
    kw_only: bool = False,
) -> type[Struct]:
    """Types of different names are never one. keys: under what a client or subgraph knows an attribute.

    tag: what `__typename` says, written first.
    """
    told = (name, tuple(entries), tuple((keys or {}).items()), tag, kw_only)
    found = _made.get(told)
    if found is None:
        fields = [
            (attribute, kind) if default is NODEFAULT else (attribute, kind, default)
            for attribute, kind, default in entries
        ]
        found = _made[told] = msgspec.defstruct(
            name,
            fields,
            rename=dict(keys) if keys else None,
            tag_field=None if tag is None else "__typename",
            tag=tag,
            gc=False,
            kw_only=kw_only,
        )
    return found
