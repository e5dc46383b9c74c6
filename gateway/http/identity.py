"""Who is asking: the caller's token verified on the way in, a short-lived one signed for subgraphs on the way out.

In: the text of `Authorization`. Out: an `Identity`, or none for no token. Refuses (`Unauthenticated`) any token that is
not a JWS under an allowed algorithm by the key that its `kid` names, unexpired, and of the right issuer and audience.
A token is verified once: while its key holds, the same text is known again; its times are looked at every time.
"""

from __future__ import annotations

import hashlib
import random
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import Key, OKPKey
from msgspec import Struct

from gateway.client.protocol import HeaderExchange
from gateway.errors import Unauthenticated
from gateway.execution.caller import Principal
from gateway.http.key_sets import KeySource, KeysUnreadable
from gateway.http.tokens import header_of, verified_claims
from gateway.settings import TokenSettings
from gateway.telemetry.entry import current_entry

_REGISTERED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_LIFETIME_S = 60
# How old a token may be when a new operation gets it; it is kept for half its life more.
_SIGNED_ANEW_AFTER_S = 15
_SIGNED_KEPT = 10_000
# Seconds since 1970: beyond these a number is no time.
FARTHEST = 1e12
_ALGORITHMS = frozenset({"EdDSA", "Ed25519"}) | {
    f"{family}{bits}" for family in ("ES", "RS", "PS", "HS") for bits in (256, 384, 512)
}
# "EdDSA" is what RFC 8037 calls it and what partners send; its successor's name says the same of an Ed25519 key.
warnings.filterwarnings("ignore", category=SecurityWarning, message="EdDSA is deprecated")

Clock = Callable[[], float]


class Identity(Struct, frozen=True):
    """A verified user: id, the claims that are not the token's own, and until when they hold (seconds, Unix).

    principal: what answers depend on of all that.
    """

    subject: str
    claims: Mapping[str, object]
    expires_at: float
    principal: Principal = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        # Once for a token, and not once for each of its requests.
        tenant = self.claims.get("tenant")
        encoded = msgspec.json.encode(self.claims, order="deterministic")
        made = Principal(self.subject, tenant if isinstance(tenant, str) else None, encoded)
        msgspec.structs.force_setattr(self, "principal", made)


class _Verified(Struct, frozen=True):
    """What a token said, and the key that proves it."""

    identity: Identity
    not_before: float
    kid: str
    key: Key


class TokenVerifier:
    """Raises ValueError for algorithms that prove nothing."""

    def __init__(self, settings: TokenSettings, keys: KeySource | None, now: Clock = time.time) -> None:
        if not settings.algorithms or not set(settings.algorithms) <= _ALGORITHMS:
            raise ValueError(f"tokens.algorithms may be of {', '.join(sorted(_ALGORITHMS))}.")
        self._settings = settings
        self._keys = keys
        self._now = now
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def identity(self, authorization: str | None) -> Identity | None:
        if authorization is None or not authorization.strip():
            return None
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("the Authorization header is no bearer token")
        if self._keys is None:
            raise Unauthenticated("this gateway holds no keys to check tokens with")
        token = token.strip()
        if len(token) > self._settings.max_bytes:
            raise Unauthenticated(f"the token has more than {self._settings.max_bytes} bytes")
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        verified = self._verified.get(digest)
        if verified is None or self._keys.held(verified.kid) is not verified.key:
            verified = await self._verify(token, self._keys)
            self._keep(digest, verified)
        self._check_times(verified)
        return verified.identity

    async def close(self) -> None:
        if self._keys is not None:
            await self._keys.close()

    async def _verify(self, token: str, keys: KeySource) -> _Verified:
        header = header_of(token, self._settings.algorithms)
        kid = str(header["kid"])
        try:
            key = await keys.key_named(kid)
        except KeysUnreadable as error:
            raise Unauthenticated(str(error)) from error
        claims = verified_claims(token, header, key)
        return _Verified(self._identity_from(claims), _moment(claims.get("nbf", 0)), kid, key)

    def _keep(self, digest: bytes, verified: _Verified) -> None:
        self._verified[digest] = verified
        self._verified.move_to_end(digest)
        if len(self._verified) > self._settings.max_verified:
            self._verified.popitem(last=False)

    def _check_times(self, verified: _Verified) -> None:
        now = self._now()
        if now >= verified.identity.expires_at:
            raise Unauthenticated("the token has expired")
        if now < verified.not_before - self._settings.leeway_s:
            raise Unauthenticated("the token is not valid yet")

    def _identity_from(self, claims: Mapping[str, object]) -> Identity:
        subject = claims.get("sub")
        # A subject goes into keys and logs: what cannot be seen in it could make one look like another.
        if not isinstance(subject, str) or not subject or not subject.isprintable():
            raise Unauthenticated("the token names nobody")
        if self._settings.issuer is not None and claims.get("iss") != self._settings.issuer:
            raise Unauthenticated("the token comes from another issuer")
        if self._settings.audience is not None and self._settings.audience not in _texts(claims.get("aud")):
            raise Unauthenticated("the token is for another audience")
        own = {name: value for name, value in claims.items() if name not in _REGISTERED}
        # With the leeway: a token that is taken must not have run out at once for a stream.
        return Identity(subject, own, _moment(claims.get("exp")) + self._settings.leeway_s)


class CallerTokenSigner:
    """Signs, for subgraphs, who is asking. The key is Ed25519 as PEM; its `kid` is the key's RFC 7638 thumbprint."""

    def __init__(self, key_file: Path, now: Clock = time.time) -> None:
        self._key = OKPKey.import_key(key_file.read_bytes())
        self._header = {"alg": "EdDSA", "kid": self._key.thumbprint(), "typ": "caller+jwt"}
        self._now = now
        self._signed: OrderedDict[int, tuple[Identity, str, int]] = OrderedDict()

    def sign(self, identity: Identity) -> str:
        """The same text for a while: one caller's operations share what they ask at the same time."""
        issued = int(self._now())
        # By the object: a token that is known again has the same one, and keeping it here keeps its place taken.
        kept = self._signed.get(id(identity))
        if kept is not None and 0 <= issued - kept[2] < _SIGNED_ANEW_AFTER_S:
            return kept[1]
        token = self._sign(identity, issued)
        self._signed[id(identity)] = (identity, token, issued)
        self._signed.move_to_end(id(identity))
        if len(self._signed) > _SIGNED_KEPT:
            self._signed.popitem(last=False)
        return token

    def _sign(self, identity: Identity, issued: int) -> str:
        claims: dict[str, object] = {
            "iss": "gateway",
            "aud": "subgraph",
            "sub": identity.subject,
            "iat": issued,
            "exp": issued + _LIFETIME_S,
            "claims": dict(identity.claims),
        }
        return jwt.encode(self._header, claims, self._key, algorithms=["EdDSA"])


class SignedCaller:
    """Who asks in one operation, as execution sees it: one token an operation, a fresh one before it gets old."""

    def __init__(
        self,
        identity: Identity | None,
        signer: CallerTokenSigner | None,
        now: Clock = time.monotonic,
        headers: HeaderExchange | None = None,
    ) -> None:
        self.identity = identity
        self.headers = headers
        self.trace_id = _trace_id()
        self._signer = signer
        self._now = now
        self._token: str | None = None
        self._fresh_until = float("-inf")

    def renew(self, identity: Identity) -> None:
        """The same caller with a newer token of their own: the next request to a subgraph is signed for that one."""
        self.identity = identity
        self._fresh_until = float("-inf")

    @property
    def principal(self) -> Principal | None:
        return None if self.identity is None else self.identity.principal

    def token(self) -> str | None:
        if self.identity is None or self._signer is None:
            return None
        if self._token is None or self._now() >= self._fresh_until:
            self._token = self._signer.sign(self.identity)
            self._fresh_until = self._now() + _LIFETIME_S / 2
        return self._token


def _trace_id() -> str:
    """The one that the operation is traced under, so that what clients are told can be looked up."""
    entry = current_entry()
    return f"{random.getrandbits(128):032x}" if entry is None or entry.trace is None else entry.trace.trace_id


def _moment(value: object) -> float:
    # Some whole numbers would not even become a float.
    if not isinstance(value, int | float) or isinstance(value, bool) or not -FARTHEST <= value <= FARTHEST:
        raise Unauthenticated("the token does not say when it ends, or when it begins")
    return float(value)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
