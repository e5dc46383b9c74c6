"""The edge before anything is read: who asks, from where, and whether they may ask now.

In: a request or a socket. Out: a `Visit`, which knows its caller and the headers that tell them how they stand. Refuses
(`RequestRefused`) a caller who is not who they claim to be, and one who asks too often.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from starlette.requests import HTTPConnection

from gateway.errors import Unauthenticated
from gateway.http.api_keys import ApiKeys
from gateway.http.caller_name import Counted, counted
from gateway.http.client_address import ClientAddresses
from gateway.http.identity import Identity, TokenVerifier
from gateway.http.load_shedding import LoadShedding
from gateway.http.rate_limits import RateLimits
from gateway.http.readiness import Readiness
from gateway.http.reading import BadRequest
from gateway.pipeline import OperationRequest


class Door(Struct, frozen=True):
    tokens: TokenVerifier
    api_keys: ApiKeys | None
    rate_limits: RateLimits
    addresses: ClientAddresses
    shedding: LoadShedding
    readiness: Readiness

    def visit(self, connection: HTTPConnection) -> Visit:
        return Visit(self, connection)

    def admits(self) -> bool:
        """Whether there is time for one more request."""
        return self.shedding.admits(self.readiness.in_flight)

    async def close(self) -> None:
        """What goes on in the background ends."""
        await self.rate_limits.close()
        await self.tokens.close()
        if self.api_keys is not None:
            await self.api_keys.close()


class Visit:
    """One request, or one socket with all its operations. `headers`: how the caller stands."""

    def __init__(self, door: Door, connection: HTTPConnection) -> None:
        self._door = door
        self._connection = connection
        self.identity: Identity | None = None
        self.headers: list[tuple[str, str]] = []
        self._counted_as: str | None = None

    async def identify(self, authorization: str | None = None) -> Identity | None:
        """Who asks. `authorization`: said elsewhere than in a header. Who is not who they say counts as anonymous."""
        try:
            self.identity = await self._identity(authorization)
        except Unauthenticated:
            await self.ask()
            raise
        return self.identity

    async def _identity(self, authorization: str | None) -> Identity | None:
        keys, headers = self._door.api_keys, self._connection.headers
        key = None if keys is None else headers.get(keys.header)
        token = authorization or headers.get("authorization")
        if keys is None or key is None:
            return await self._door.tokens.identity(token)
        if token:
            raise BadRequest(f"Send a token or an API key ({keys.header}), not both.")
        return await keys.identity(key, self._address())

    async def ask(self, operations: int = 1) -> None:
        """Count operations, before they are read."""
        self.headers = await self._door.rate_limits.admit(self.identity, self._address(), operations) or self.headers

    async def ask_documents(self, asked: Sequence[OperationRequest]) -> None:
        """Count what they are, and what a batch holds beside its first."""
        if len(asked) > 1:
            await self.ask(len(asked) - 1)
        limits = self._door.rate_limits
        if limits.by_document:
            self.headers = await limits.admit_documents(self.identity, self._address(), asked) or self.headers

    @property
    def counted(self) -> Counted:
        """What the visitor's connections are counted under; until they are known, their address."""
        return counted(self.identity, self._address())

    def refuse_overloaded(self) -> None:
        """For an operation that comes over an open socket."""
        self._door.shedding.refuse(self._door.readiness.in_flight)

    def _address(self) -> str:
        """What strangers are counted by."""
        if self._counted_as is None:
            peer = self._connection.client
            forwarded = self._connection.headers.getlist("x-forwarded-for")
            self._counted_as = self._door.addresses.of(None if peer is None else peer.host, forwarded)
        return self._counted_as
