"""Keys of the ledger's subjects: one key and one salt a person, and one pair for the tenant itself.

In: the master key of the process, the rows of `audit_key`. Out: `SubjectKey`s. A row holds its pair encrypted under the
master key; destroying the row's content is what erases a person, so nothing here keeps a key longer than a unit of
work.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.caller import TenantId
from db.errors import LedgerKeyMissing, SubjectErased
from db.lookup import among, table_of
from db.tables.audit import AuditKeyRow

RandomBytes = Callable[[int], bytes]
_KEY_BYTES, _NONCE_BYTES = 32, 12
_KEYS = table_of(AuditKeyRow).c
_WRAPPED_KEYS = select(_KEYS.subject_id, _KEYS.wrapped).where(among(_KEYS.subject_id))


@dataclass(frozen=True)
class SubjectKey:
    """What encrypts and commits one subject's payloads."""

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)

    def encrypt(self, payload: bytes, bound_to: bytes, random_bytes: RandomBytes = os.urandom) -> bytes:
        """AES-256-GCM; `bound_to` says where the ciphertext belongs, and it opens nowhere else."""
        nonce = random_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, payload, bound_to)

    def decrypt(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        """The payload, or None when the ciphertext was changed or moved."""
        try:
            return AESGCM(self.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            return None

    def record_salt(self, entry: UUID) -> bytes:
        """The salt of one entry: to prove one record's content it can be shown without opening the others."""
        return hmac.new(self.salt, entry.bytes, hashlib.sha256).digest()

    def commitment(self, entry: UUID, payload: bytes) -> bytes:
        """What the leaf says about the payload."""
        return hmac.new(self.record_salt(entry), payload, hashlib.sha256).digest()


class Keyring:
    """The keys that one unit of work has met."""

    def __init__(
        self,
        session: AsyncSession,
        tenant: TenantId,
        master_key: bytes | None,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._session, self._tenant, self._master_key = session, tenant, master_key
        self._random_bytes = random_bytes
        self._known: dict[UUID, SubjectKey | None] = {}

    async def keys_for(self, subjects: set[UUID]) -> dict[UUID, SubjectKey]:
        """The subjects' keys, made where there are none; refuses a subject whose key was destroyed."""
        await self.load(subjects)
        for subject in sorted(subjects - self._known.keys()):
            await self._make(subject)
        keys = {subject: self._known[subject] for subject in subjects}
        if erased := [subject for subject, key in keys.items() if key is None]:
            raise SubjectErased(erased[0])
        return {subject: key for subject, key in keys.items() if key is not None}

    async def load(self, subjects: set[UUID]) -> dict[UUID, SubjectKey | None]:
        """What is known of the subjects: their key, None when it was destroyed; absent when there never was one."""
        if unknown := subjects - self._known.keys():
            rows = await self._session.execute(_WRAPPED_KEYS, {"keys": list(unknown)})
            for subject, wrapped in rows:
                self._known[subject] = None if wrapped is None else self._unwrap(subject, wrapped)
        return {subject: self._known[subject] for subject in subjects & self._known.keys()}

    def forget(self, subject: UUID) -> None:
        """The subject's key was destroyed in this unit of work."""
        self._known[subject] = None

    async def _make(self, subject: UUID) -> None:
        pair = self._random_bytes(2 * _KEY_BYTES)
        wrapping = SubjectKey(self._master(), b"")
        await self._session.execute(
            insert(AuditKeyRow)
            .values(
                tenant_id=self._tenant,
                subject_id=subject,
                wrapped=wrapping.encrypt(pair, self._bound_to(subject), self._random_bytes),
            )
            .on_conflict_do_nothing()
        )
        # Read back: another transaction may have been first.
        await self.load({subject})

    def _unwrap(self, subject: UUID, wrapped: bytes) -> SubjectKey:
        pair = SubjectKey(self._master(), b"").decrypt(wrapped, self._bound_to(subject))
        if pair is None:
            # A changed wrapping opens nothing: payloads under it are found to be changed, one by one.
            return SubjectKey(bytes(_KEY_BYTES), bytes(_KEY_BYTES))
        return SubjectKey(pair[:_KEY_BYTES], pair[_KEY_BYTES:])

    def _bound_to(self, subject: UUID) -> bytes:
        return b"audit_key" + self._tenant.bytes + subject.bytes

    def _master(self) -> bytes:
        if self._master_key is None:
            raise LedgerKeyMissing()
        return self._master_key
