"""Secrets of one installation, as files that only their owner reads.

In: a folder (`$D2R_DATA/keys`). Out: 32 random bytes (`<name>.key`, base64url), a database role's password
(`<role>.password`) or the checkpoint signer's key (`audit-checkpoint.pem`, Ed25519). What is absent is made at first
use. Two processes that start together agree: a file appears whole or not at all, and the first one stays.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

CAPABILITY_KEY = "capability"
JOB_SIGNING_KEY = "job-signing"
LEDGER_KEY = "ledger"
CHECKPOINT_KEY = "audit-checkpoint"


def secret_key(folder: Path, name: str) -> bytes:
    """The 32-byte key `name`."""
    text = _read_or_make(folder / f"{name}.key", lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return urlsafe_b64decode(text)


def role_password(folder: Path, role: str) -> str:
    """The password of the database role `role`."""
    return _read_or_make(folder / f"{role}.password", lambda: secrets.token_urlsafe(24))


def checkpoint_key(folder: Path) -> Ed25519PrivateKey:
    """The key that signs the ledger's checkpoints."""
    key = load_pem_private_key(_read_or_make(folder / f"{CHECKPOINT_KEY}.pem", _new_pem).encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _new_pem() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _read_or_make(path: Path, fresh: Callable[[], str]) -> str:
    """What the file holds; `fresh()`, if this process is the first to ask."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(fresh())
        # A link, not a rename: it fails where another process was first, and that one's secret stays.
        with suppress(FileExistsError):
            os.link(name, path)
        os.unlink(name)
    return path.read_text().strip()
