"""Append an audit event in the transaction that does what it tells of.

In: what happened, to which object; a technical payload; a personal one and the person that it is about. Out: a row with
both payloads encrypted and committed, which the sequencer gives its index later. The technical part is under the
tenant's key and the personal part under the person's: erasing a person leaves every decision and every proof standing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NewType
from uuid import UUID

from sqlalchemy import func, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.caller import Caller
from db.errors import SubjectMissing
from db.ledger.entries import canonical, place_of
from db.ledger.subject_keys import Keyring, RandomBytes
from db.outbox import new_id
from db.tables.audit import AuditEntryRow, AuditKeyRow

EntryId = NewType("EntryId", UUID)
SUBJECT_ERASED = "SubjectErased"


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Ledger:
    """The ledger of one unit of work."""

    def __init__(
        self,
        session: AsyncSession,
        caller: Caller,
        master_key: bytes | None,
        clock: Callable[[], datetime] = now,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._session, self._caller, self._clock, self._random_bytes = session, caller, clock, random_bytes
        self.keyring = Keyring(session, caller.tenant, master_key, random_bytes)

    async def append(
        self,
        type: str,
        object_id: UUID,
        technical: Mapping[str, object],
        personal: Mapping[str, object] | None = None,
        subject: UUID | None = None,
    ) -> EntryId:
        """Write one entry. `subject` is the person that `personal` is about: the caller's user, if not said."""
        entry = EntryId(new_id())
        tenant = self._caller.tenant
        person = (subject or self._caller.user) if personal else None
        if personal and person is None:
            raise SubjectMissing(type)
        keys = await self.keyring.keys_for({tenant} if person is None else {tenant, person})
        plain = canonical(technical)
        values: dict[str, object] = {
            "technical": keys[tenant].encrypt(plain, place_of(tenant, entry, "technical"), self._random_bytes),
            "technical_commitment": keys[tenant].commitment(entry, plain),
        }
        if personal and person is not None:
            plain = canonical(personal)
            values |= {
                "subject_id": person,
                "personal": keys[person].encrypt(plain, place_of(tenant, entry, "personal"), self._random_bytes),
                "personal_commitment": keys[person].commitment(entry, plain),
            }
        await self._session.execute(
            insert(AuditEntryRow).values(
                tenant_id=tenant, id=entry, type=type, object_id=object_id, occurred_at=self._clock(), **values
            )
        )
        return entry

    async def erase_subject(self, subject: UUID) -> None:
        """Destroy a person's key and salt: their payloads can never be read again, every proof stays valid."""
        # First the entry: it tells a later judge that the key was destroyed on purpose, even if it was the tenant's
        # own.
        await self.append(SUBJECT_ERASED, subject, {})
        await self._session.execute(
            update(AuditKeyRow)
            .where(AuditKeyRow.subject_id == subject, AuditKeyRow.wrapped.is_not(None))
            .values(wrapped=None, destroyed_at=func.now())
        )
        self.keyring.forget(subject)
