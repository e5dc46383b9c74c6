"""W3C Trace Context, level 1: what a client says of the trace that its request belongs to, and what subgraphs are told.

In: a request's headers as ASGI has them. Out: the parent, or None for what is missing, given twice or malformed; then
`tracestate` counts for nothing either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_LONGEST_STATE = 512
NAMES = frozenset({"traceparent", "tracestate"})
Headers = tuple[tuple[str, str], ...]


class Parent(Struct, frozen=True):
    """`state`: the other systems' own words, passed on as they are."""

    trace_id: str
    span_id: str
    sampled: bool
    state: str | None = None


def parent_in(headers: Sequence[tuple[bytes, bytes]]) -> Parent | None:
    parents = [value for name, value in headers if name == b"traceparent"]
    found = _PARENT.fullmatch(parents[0]) if len(parents) == 1 else None
    if found is None:
        return None
    version, trace_id, span_id, flags = (found[number].decode() for number in (1, 2, 3, 4))
    # Later versions may add to the end; this one may not, and ff is none.
    if version == "ff" or (version == "00" and found[5]) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Parent(
        trace_id, span_id, bool(int(flags, 16) & 1), _state([value for name, value in headers if name == b"tracestate"])
    )


def told(trace_id: str, span_id: str, sampled: bool, state: str | None) -> Headers:
    parent = ("traceparent", f"00-{trace_id}-{span_id}-0{sampled:d}")
    return (parent,) if state is None else (parent, ("tracestate", state))


def _state(values: list[bytes]) -> str | None:
    text = b",".join(values).decode("latin-1")
    return text if 0 < len(text) <= _LONGEST_STATE and text.isascii() and text.isprintable() else None
