"""The name that a caller is counted under: a subject within a tenant, or for who is not known an address.

In: an identity and an address. Out: a `Counted`. No two callers share a name, whatever their subjects and tenants are.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.http.identity import Identity


class Counted(NamedTuple):
    name: str
    is_known: bool


def counted(identity: Identity | None, address: str) -> Counted:
    if identity is None:
        return Counted(f"address {address}", False)
    # As Python writes them: quotation marks within a subject cannot end it.
    return Counted(f"caller {identity.subject!r} of {identity.claims.get('tenant')!r}", True)
