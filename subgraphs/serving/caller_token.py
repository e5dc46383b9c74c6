"""Who is asking, as signed by the gateway. In: the `Caller-Token` header's text. Out: a `Caller`, or none for no token.

Refuses a token that is not a compact JWS under EdDSA by a key we hold, typed `caller+jwt`, from `gateway` to
`subgraph`, and unexpired. The algorithm is fixed here and never read from the token.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, KeySet, KeySetSerialization, OKPKey

from db.caller import Caller, TenantId, UserId
from subgraphs.serving.errors import Unauthenticated

HEADER = "Caller-Token"
ISSUER = "gateway"
AUDIENCE = "subgraph"
TOKEN_TYPE = "caller+jwt"  # noqa: S105 - a media type, no secret
ALGORITHM = "EdDSA"
# The gateway's clock may run a little ahead of ours.
LEEWAY_S = 5
MOST_KEPT = 1000


class CallerTokens:
    """Verifies caller tokens against the gateway's public keys, named by `kid`."""

    def __init__(self, public_keys: KeySetSerialization, now: Callable[[], float] = time.time) -> None:
        keys = KeySet.import_key_set(public_keys).keys
        self._keys: Mapping[str, OKPKey] = {key.kid: key for key in keys if isinstance(key, OKPKey) and key.kid}
        self._now = now
        self._seen: OrderedDict[str, tuple[Mapping[str, object], Mapping[str, object]]] = OrderedDict()

    def caller(self, token: str | None) -> Caller | None:
        """The caller that this token names; none when there is no token."""
        if token is None:
            return None
        header, claims = self._verified_once(token)
        if header.get("typ") != TOKEN_TYPE:
            raise Unauthenticated("The caller token is of another kind.")
        self._check_times_and_names(claims)
        return _caller_of(claims)

    def _verified_once(self, token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """One operation shows each subgraph the same token several times: the same bytes are verified once.

        Times are checked at every use, so a kept token expires like any other.
        """
        found = self._seen.get(token)
        if found is None:
            found = self._seen[token] = self._verified(token)
            if len(self._seen) > MOST_KEPT:
                self._seen.popitem(last=False)
        return found

    def _verified(self, token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
        def named_key(unverified: GuestProtocol) -> OKPKey:
            kid = unverified.headers().get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise Unauthenticated("The caller token names no key that we know.")
            return key

        try:
            decoded = jwt.decode(token, named_key, algorithms=[ALGORITHM])
        except (JoseError, ValueError) as broken:
            raise Unauthenticated("The caller token does not hold.") from broken
        return decoded.header, decoded.claims

    def _check_times_and_names(self, claims: Mapping[str, object]) -> None:
        if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE:
            raise Unauthenticated("The caller token is meant for somebody else.")
        expires, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(expires, int | float) or not isinstance(issued, int | float):
            raise Unauthenticated("The caller token says no times.")
        if not issued - LEEWAY_S <= self._now() < expires + LEEWAY_S:
            raise Unauthenticated("The caller token has expired.")


def _caller_of(claims: Mapping[str, object]) -> Caller:
    user_claims = claims.get("claims")
    if not isinstance(user_claims, Mapping):
        raise Unauthenticated("The caller token carries no claims.")
    try:
        tenant = TenantId(UUID(str(user_claims["tenant"])))
        user = UserId(UUID(str(claims["sub"])))
    except (KeyError, ValueError) as missing:
        raise Unauthenticated("The caller token names no workspace.") from missing
    return Caller(
        tenant=tenant,
        # A device acts for nobody in person.
        user=None if user_claims.get("device") is True else user,
        roles=_texts(user_claims.get("roles")),
        scopes=_texts(user_claims.get("scopes")),
        name=str(user_claims.get("name", "")),
    )


def _texts(value: object) -> frozenset[str]:
    match value:
        case None:
            return frozenset()
        case str():  # RFC 8693 writes scopes as one text with blanks
            return frozenset(value.split())
        case Sequence():
            return frozenset(map(str, value))
        case _:
            raise Unauthenticated("The caller token's claims are unreadable.")
