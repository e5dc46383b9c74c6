"""The `Accept` header -> the media type of the answer, or none that we have (GraphQL over HTTP, 6.1 and 6.4).

Streams are for those who name them: `text/event-stream` for any operation, `multipart/mixed` for subscriptions, and
for answers that come in pieces, spelled as its parameters say.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from gateway.execution.pieces import Spelling, spelling_named

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"
PARTS = "multipart/mixed"
STREAMS = (EVENTS, PARTS)
# Where a client has no preference, the older type: it is what clients that say nothing understand.
_OFFERED = (JSON, GRAPHQL)
# Few clients say anything of their own; what somebody makes up is soon forgotten.
_read_once = lru_cache(64)


@_read_once
def answer_type(accept: str | None) -> str | None:
    if accept is None or not accept.strip():
        return JSON
    best, best_quality = None, 0.0
    for offered in _OFFERED:
        quality = _quality(accept, offered)
        if quality > best_quality or (quality == best_quality > 0 and _first_named(accept) == offered):
            best, best_quality = offered, quality
    return best


@_read_once
def stream_type(accept: str | None) -> str | None:
    """The kind of stream that the client names: `text/event-stream` or `multipart/mixed`; a wildcard names none."""
    if not accept:
        return None
    named = [(quality, name) for _, name, quality in _ranges(accept) if name in STREAMS and quality > 0]
    return max(named, key=lambda each: each[0])[1] if named else None


class Pieces(Struct, frozen=True):
    """A way to send an answer in pieces. `parameter`: what the media type says of the spelling."""

    media_type: str
    spelling: Spelling
    parameter: str


@_read_once
def pieces_type(accept: str | None) -> Pieces | None:
    """How the client takes an answer in pieces: parts before events; the newer spelling where it names none."""
    if stream_type(accept) is None:
        return None
    found: list[tuple[int, float, Pieces]] = []
    for part in (accept or "").split(","):
        media_type, *pairs = (piece.strip() for piece in part.split(";"))
        quality = _q([pair.lower() for pair in pairs])
        if media_type.lower() in STREAMS and quality > 0:
            named = _named_pieces(media_type.lower(), pairs)
            if named is not None:
                found.append((STREAMS.index(named.media_type), quality, named))
    return max(found, key=lambda each: each[:2])[2] if found else None


def spelling_of(extensions: Mapping[str, object] | None) -> Spelling:
    """How a client that names no media type for it wants pieces: as its request's `extensions` say."""
    named = spelling_named(extensions or {})
    return named[1] if named else Spelling.PENDING


def _named_pieces(media_type: str, pairs: list[str]) -> Pieces | None:
    parameters = {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}
    if not any(name.lower().endswith("spec") for name in parameters):
        return Pieces(media_type, Spelling.PENDING, "incrementalSpec=v0.2")
    named = spelling_named(parameters)
    return Pieces(media_type, named[1], named[0]) if named else None


def _quality(accept: str, offered: str) -> float:
    """Of the most specific range that covers `offered`."""
    found = [(specific, quality) for specific, name, quality in _ranges(accept) if _covers(name, offered)]
    return max(found)[1] if found else 0.0


def _first_named(accept: str) -> str | None:
    return next((name for _, name, _ in _ranges(accept) if name in _OFFERED), None)


def _ranges(accept: str) -> list[tuple[int, str, float]]:
    ranges = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        specific = 0 if name == "*/*" else 1 if name.endswith("/*") else 2
        ranges.append((specific, name, _q(parameters)))
    return ranges


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _covers(name: str, offered: str) -> bool:
    return name in ("*/*", offered) or (name.endswith("/*") and offered.startswith(name[:-1]))
