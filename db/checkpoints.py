"""Signed statements of a log's size and root: C2SP tlog-checkpoint in a C2SP signed note, Ed25519.

In: an origin, a size, a root, a key. Out: the note; and back, refusing one that the key did not sign. The origin names
the tenant's log and is the name of the signer, so that one tenant's checkpoint is never another's.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from db.errors import CheckpointRefused

_ED25519 = b"\x01"
_HASH_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """A log had `size` leaves and this root."""

    origin: str
    size: int
    root: bytes


def origin_of(tenant: UUID) -> str:
    """The name of a tenant's log, and of its signer."""
    return f"d2r.ledger/{tenant}"


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The note, signed."""
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n"
    signature = _key_hash(checkpoint.origin, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {b64encode(signature).decode()}\n"


def open_checkpoint(note: str, origin: str, key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint in `note`; refuses another log's, a malformed one and one without a good signature by `key`."""
    text, _, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if len(lines) < 3 or lines[0] != origin:
        raise CheckpointRefused(f"it is not of {origin}")
    if not any(_is_signed(text + "\n", line, origin, key) for line in signatures.splitlines()):
        raise CheckpointRefused("no signature by the key holds")
    try:
        size, root = int(lines[1]), b64decode(lines[2], validate=True)
    except ValueError as error:
        raise CheckpointRefused("its size or root cannot be read") from error
    if str(size) != lines[1] or size < 0 or len(root) != _HASH_BYTES:
        raise CheckpointRefused("its size or root cannot be")
    return Checkpoint(origin, size, root)


def verifier_key(origin: str, key: Ed25519PublicKey) -> str:
    """The public key as verifiers of signed notes take it: `name+hash+key`."""
    return f"{origin}+{_key_hash(origin, key).hex()}+{b64encode(_ED25519 + key.public_bytes_raw()).decode()}"


def _is_signed(text: str, line: str, name: str, key: Ed25519PublicKey) -> bool:
    if not line.startswith(f"— {name} "):
        return False
    try:
        signature = b64decode(line.removeprefix(f"— {name} "), validate=True)
        if signature[:4] != _key_hash(name, key):
            return False
        key.verify(signature[4:], text.encode())
    except (ValueError, InvalidSignature):
        return False
    return True


def _key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + _ED25519 + key.public_bytes_raw()).digest()[:4]
