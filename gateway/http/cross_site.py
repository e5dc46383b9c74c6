"""Whether a request could come from a foreign page without its browser asking first.

A browser sends GET, and POST of forms and plain text, to anybody at once; with any other content type or a header of
one's own it asks for leave before (CORS preflight), and the gateway gives that to known origins only.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.http.reading import BadRequest

PREFLIGHT_HEADERS = ("x-preflight", "graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")
_SIMPLE_TYPES = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")


def refuse_unasked(headers: Mapping[str, str]) -> None:
    """Raises `BadRequest` (403) for a request that needs no preflight."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in _SIMPLE_TYPES and not any(headers.get(name) for name in PREFLIGHT_HEADERS):
        raise BadRequest(
            f"Send the header `{PREFLIGHT_HEADERS[0]}: 1`: without it any page could have a browser send this.", 403
        )
