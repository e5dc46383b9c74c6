"""Global ids: `base64url("Type:uuid")`, unpadded. In: a type's name and a UUID, or the text of an id. Out: the other.

Refuses, as NOT_FOUND, whatever is not an id of the wanted type: to a caller a malformed, a foreign and an unknown id
are one and the same.
"""

import base64
import binascii
from collections.abc import Collection
from uuid import UUID

import strawberry

from subgraphs.serving.errors import NotFound


def global_id(type_name: str, key: UUID) -> strawberry.ID:
    """The opaque id under which the graph knows this thing."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).rstrip(b"=").decode())


def decode_global_id(text: str, type_names: Collection[str]) -> tuple[str, UUID]:
    """The type and key in `text`; `type_names` are the types that fit here (an interface has several)."""
    wanted = " or ".join(sorted(type_names))
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        type_name, _, key_text = raw.decode("ascii").partition(":")
        key = UUID(key_text)
    except (binascii.Error, ValueError) as unreadable:
        raise NotFound(wanted) from unreadable
    # One id has one spelling: caches and de-duplication compare ids as text.
    if type_name not in type_names or global_id(type_name, key) != text:
        raise NotFound(wanted)
    return type_name, key


def key_of(text: str, type_name: str) -> UUID:
    """The key in an id that must be of one certain type."""
    return decode_global_id(text, (type_name,))[1]
