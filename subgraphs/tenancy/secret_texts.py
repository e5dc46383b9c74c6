"""Texts that are shown once: API keys and invitations. In: randomness. Out: the text, and what is stored of it.

An API key is `d2r_<prefix>_<secret>`: the prefix finds it, the SHA-256 of the secret proves it. The secret has 256
random bits, so a plain hash suffices. Refuses, as wrong credentials, a text of another shape.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from subgraphs.tenancy.errors import WrongCredentials

RandomBytes = Callable[[int], bytes]

_SHAPE = re.compile(r"d2r_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class ApiKeyText:
    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"d2r_{self.prefix}_{self.secret}"

    @property
    def sha256(self) -> bytes:
        return sha256_of(self.secret)


def new_api_key_text(random_bytes: RandomBytes) -> ApiKeyText:
    prefix = base64.b32encode(random_bytes(8)).decode().lower()[:12]
    return ApiKeyText(prefix, new_secret(random_bytes))


def read_api_key_text(text: str) -> ApiKeyText:
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise WrongCredentials
    return ApiKeyText(*found.groups())


def new_secret(random_bytes: RandomBytes) -> str:
    return base64.urlsafe_b64encode(random_bytes(32)).rstrip(b"=").decode()


def sha256_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def is_secret(secret: str, stored: bytes | None) -> bool:
    return stored is not None and hmac.compare_digest(sha256_of(secret), stored)
