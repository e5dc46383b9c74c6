"""A compact JWS -> its claims, by a key that we hold. Stricter than the library below it, which reads JSON as it comes.

Refuses (`Unauthenticated`) more than one meaning: members given twice, numbers that are none, `crit`, `b64`, anything
but three parts. Nothing in a token (`jku`, `jwk`, `x5u`) ever leads to a key, and the algorithm is one that is allowed.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Collection, Mapping

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from gateway.errors import Unauthenticated

_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def header_of(token: str, algorithms: Collection[str]) -> Mapping[str, object]:
    """The header, which says which key it wants: nothing of it is proven yet."""
    header = _members(token.partition(".")[0], "header")
    if header.get("alg") not in algorithms:
        raise Unauthenticated(f"the algorithm {header.get('alg')!r:.40} is not allowed")
    if "crit" in header or "b64" in header:
        raise Unauthenticated("the token asks for an extension")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise Unauthenticated("the token names no key")
    return header


def verified_claims(token: str, header: Mapping[str, object], key: Key) -> Mapping[str, object]:
    """The claims, once the key has signed them."""
    try:
        # Sees to the three parts and to what the key is meant for, too.
        jws.deserialize_compact(token, key, algorithms=[str(header["alg"])])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Unauthenticated(f"{type(error).__name__}: {error}") from error
    return _members(token.split(".")[1], "claims")


def _members(part: str, what: str) -> dict[str, object]:
    try:
        raw = b64decode(part.encode("ascii").translate(_URL_SAFE) + b"=" * (-len(part) % 4), validate=True)
        text = raw.decode("utf-8")
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        if "\\u" in text:
            # Halves of surrogate pairs are texts that nobody can write on.
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Unauthenticated(f"the token has no readable {what}: {error}") from error
    if not isinstance(found, dict):
        raise Unauthenticated(f"the token's {what} is no object")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is given twice")
    return found


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no number")
