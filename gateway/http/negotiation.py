"""The `Accept` header -> the media type of the answer, or none that we have (GraphQL over HTTP, 6.1 and 6.4).

Streams are for those who name them: `text/event-stream` for any operation, `multipart/mixed` for subscriptions.
"""

from __future__ import annotations

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"
PARTS = "multipart/mixed"
STREAMS = (EVENTS, PARTS)
# Where a client has no preference, the older type: it is what clients that say nothing understand.
_OFFERED = (JSON, GRAPHQL)


def answer_type(accept: str | None) -> str | None:
    if accept is None or not accept.strip():
        return JSON
    best, best_quality = None, 0.0
    for offered in _OFFERED:
        quality = _quality(accept, offered)
        if quality > best_quality or (quality == best_quality > 0 and _first_named(accept) == offered):
            best, best_quality = offered, quality
    return best


def stream_type(accept: str | None) -> str | None:
    """The kind of stream that the client names: `text/event-stream` or `multipart/mixed`; a wildcard names none."""
    if not accept:
        return None
    named = [(quality, name) for _, name, quality in _ranges(accept) if name in STREAMS and quality > 0]
    return max(named, key=lambda each: each[0])[1] if named else None


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
