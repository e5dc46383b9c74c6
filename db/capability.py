"""The capability that opens one tenant to one transaction: `tenant|expiry|backend pid|mac`.

In: the key, the tenant, an expiry and the pid of the backend that will read it. Out: the text for `app.enter`.
The other half is `app.tenant_id()` in `sql/foundation.sql`. A copied capability is worth nothing on another connection
or after its expiry; whoever can only run SQL cannot make one.
"""

from __future__ import annotations

import hashlib
import hmac

from db.caller import TenantId

_BLOCK_BYTES = 64


def mint_capability(key: bytes, tenant: TenantId, expires_at: int, backend_pid: int) -> str:
    """Sign `tenant` for the backend `backend_pid` until the Unix time `expires_at`."""
    body = f"{tenant}|{expires_at}|{backend_pid}"
    return f"{body}|{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}"


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded keys of HMAC-SHA256, so that the database needs only its own sha256 (RFC 2104)."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
