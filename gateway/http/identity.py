"""Who is asking: the caller's token verified on the way in, a short-lived one signed for subgraphs on the way out.

In: the text of `Authorization`. Out: an `Identity`, or none for no token. Refuses (`Unauthenticated`) any token that is
not a JWS under an allowed algorithm by the key that its `kid` names, unexpired, and of the right issuer and audience.
The key is looked up by `kid` among keys we hold: nothing in a token (`jku`, `jwk`, `x5u`) ever leads to a key.
"""

from __future__ import annotations

import secrets
import time
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import GuestProtocol, Key, OKPKey
from msgspec import Struct

from gateway.client.protocol import HeaderExchange
from gateway.errors import Unauthenticated
from gateway.execution.caller import Principal
from gateway.http.key_sets import KeySource, KeysUnreadable
from gateway.settings import TokenSettings

_REGISTERED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_LIFETIME_S = 60
# "EdDSA" is what RFC 8037 calls it and what partners send; its successor's name says the same of an Ed25519 key.
warnings.filterwarnings("ignore", category=SecurityWarning, message="EdDSA is deprecated")

Clock = Callable[[], float]


class Identity(Struct, frozen=True):
    """A verified user: id, the claims that are not the token's own, and until when they hold (seconds, Unix)."""

    subject: str
    claims: Mapping[str, object]
    expires_at: float


class _Header(Struct):
    kid: str | None = None


class TokenVerifier:
    def __init__(self, settings: TokenSettings, keys: KeySource | None, now: Clock = time.time) -> None:
        self._settings = settings
        self._keys = keys
        self._now = now

    async def identity(self, authorization: str | None) -> Identity | None:
        if authorization is None or not authorization.strip():
            return None
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("the Authorization header is no bearer token")
        if self._keys is None:
            raise Unauthenticated("this gateway holds no keys to check tokens with")
        return self._identity_from(await self._claims(token.strip(), self._keys))

    async def _claims(self, token: str, keys: KeySource) -> Mapping[str, object]:
        try:
            key = await keys.key_named(_kid_of(token))

            def named(_: GuestProtocol) -> Key:
                return key

            decoded = jwt.decode(token, named, algorithms=list(self._settings.algorithms))
        except KeysUnreadable as error:
            raise Unauthenticated(str(error)) from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated(f"{type(error).__name__}: {error}") from error
        return decoded.claims

    def _identity_from(self, claims: Mapping[str, object]) -> Identity:
        subject, expires, not_before = claims.get("sub"), claims.get("exp"), claims.get("nbf", 0)
        now, leeway = self._now(), self._settings.leeway_s
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("the token names nobody")
        if not isinstance(expires, int | float) or now >= expires + leeway:
            raise Unauthenticated("the token has expired, or does not say when it does")
        if not isinstance(not_before, int | float) or now < not_before - leeway:
            raise Unauthenticated("the token is not valid yet")
        if self._settings.issuer is not None and claims.get("iss") != self._settings.issuer:
            raise Unauthenticated("the token comes from another issuer")
        if self._settings.audience is not None and self._settings.audience not in _texts(claims.get("aud")):
            raise Unauthenticated("the token is for another audience")
        own = {name: value for name, value in claims.items() if name not in _REGISTERED}
        # With the leeway: a token that is taken must not have run out at once for a stream.
        return Identity(subject, own, float(expires) + leeway)


class CallerTokenSigner:
    """Signs, for subgraphs, who is asking. The key is Ed25519 as PEM; its `kid` is the key's RFC 7638 thumbprint."""

    def __init__(self, key_file: Path, now: Clock = time.time) -> None:
        self._key = OKPKey.import_key(key_file.read_bytes())
        self._header = {"alg": "EdDSA", "kid": self._key.thumbprint(), "typ": "caller+jwt"}
        self._now = now

    def sign(self, identity: Identity) -> str:
        issued = int(self._now())
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
        self.trace_id = secrets.token_hex(16)
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
        if self.identity is None:
            return None
        claims = self.identity.claims
        tenant = claims.get("tenant")
        return Principal(
            self.identity.subject,
            tenant if isinstance(tenant, str) else None,
            msgspec.json.encode(claims, order="deterministic"),
        )

    def token(self) -> str | None:
        if self.identity is None or self._signer is None:
            return None
        if self._token is None or self._now() >= self._fresh_until:
            self._token = self._signer.sign(self.identity)
            self._fresh_until = self._now() + _LIFETIME_S / 2
        return self._token


def _kid_of(token: str) -> str:
    encoded = token.split(".", 1)[0]
    try:
        header = msgspec.json.decode(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), type=_Header)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unauthenticated("the token has no readable header") from error
    if not header.kid:
        raise Unauthenticated("the token names no key")
    return header.kid


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
