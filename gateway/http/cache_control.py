"""`Cache-Control` of several answers -> the one that is safe for all of them together (RFC 9111, 5.2.2).

The answer is as fresh as its least fresh part, as private as its most private one, and may not be stored at all where
one part said so, or said nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

NO_STORE = "no-store"
_AGES = ("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error")
_FLAGS = ("no-cache", "must-revalidate", "proxy-revalidate", "no-transform")


def most_restrictive(stated: Sequence[str | None]) -> str | None:
    """None: nobody said anything, so neither do we."""
    if not any(stated):
        return None
    parts = [_directives(text or NO_STORE) for text in stated]
    if any(NO_STORE in part for part in parts) or not all("max-age" in part or "no-cache" in part for part in parts):
        return NO_STORE
    merged = []
    shared = all("public" in part for part in parts)
    for name in _AGES:
        ages = [part[name] for part in parts if name in part]
        if name == "s-maxage":
            # A shared cache takes `max-age` where a part has no word for shared caches.
            ages = [part.get(name, part.get("max-age", "0")) for part in parts] if ages and shared else []
        elif name.startswith("stale") and len(ages) < len(parts):
            # A part that gives no leave to serve stale answers withholds it from the whole.
            ages = []
        if ages:
            merged.append(f"{name}={min(map(_seconds, ages))}")
    merged.append("public" if shared else "private")
    merged += [name for name in _FLAGS if any(name in part for part in parts)]
    return ", ".join(merged)


def _directives(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.lower()] = value.strip('" ')
    return found


def _seconds(text: str) -> int:
    """An age that cannot be read is no age at all."""
    return int(text) if text.isdigit() else 0
