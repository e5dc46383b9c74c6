"""Types of fields and arguments that differ between subgraphs: which one holds for all.

What comes out may be weakened: the most general type holds. What goes in may be narrowed: the most specific one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

IsSubtype = Callable[[str, str], bool]


def is_covariant(text: str, other: str, is_subtype: IsSubtype) -> bool:
    """Whether each value of the type is one of the other: `[Cat!]!` is of `[Animal]`."""
    if other.endswith("!"):
        return text.endswith("!") and is_covariant(text[:-1], other[:-1], is_subtype)
    if text.endswith("!"):
        return is_covariant(text[:-1], other, is_subtype)
    if text.startswith("[") != other.startswith("["):
        return False
    if text.startswith("["):
        return is_covariant(text[1:-1], other[1:-1], is_subtype)
    return is_subtype(text, other)


def most_general(texts: Iterable[str], is_subtype: IsSubtype) -> str | None:
    """The type of which all are subtypes; None if there is none among them."""
    given = list(dict.fromkeys(texts))
    return next((one for one in given if all(is_covariant(other, one, is_subtype) for other in given)), None)


def most_specific(texts: Iterable[str]) -> str | None:
    """The type that is a subtype of all; None if there is none among them. Input types have no subtypes but by `!`."""
    given = list(dict.fromkeys(texts))
    return next((one for one in given if all(is_covariant(one, other, _is_same) for other in given)), None)


def _is_same(name: str, other: str) -> bool:
    return name == other
