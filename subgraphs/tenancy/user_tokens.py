"""User tokens: what a signed-in caller shows the gateway. In: a subject. Out: a JWS (EdDSA) with the key's `kid`.

Short-lived and not stored: a role taken away takes effect when the token ends.
"""

import datetime
import uuid
from typing import Final

from joserfc import jwt
from joserfc.jwk import KeySetSerialization, OKPKey

from subgraphs.tenancy.model import SignedToken, Subject

ISSUER: Final = "d2r-tenancy"
AUDIENCE: Final = "d2r"
ALGORITHM: Final = "EdDSA"
LIFETIME: Final = datetime.timedelta(hours=1)


class UserTokens:
    def __init__(self, private_key_pem: bytes, lifetime: datetime.timedelta = LIFETIME) -> None:
        self._key = OKPKey.import_key(private_key_pem)
        self._kid = self._key.thumbprint()
        self._lifetime = lifetime

    def issue(self, subject: Subject, now: datetime.datetime) -> SignedToken:
        expires_at = (now + self._lifetime).replace(microsecond=0)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(subject.id),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": uuid.uuid4().hex,
            "tenant": str(subject.tenant),
            "roles": sorted(subject.roles),
            "scopes": sorted(subject.scopes),
            "name": subject.name,
        }
        if subject.is_device:
            claims["device"] = True
        text = jwt.encode({"alg": ALGORITHM, "kid": self._kid}, claims, self._key, algorithms=[ALGORITHM])
        return SignedToken(text, expires_at)

    def public_keys(self) -> KeySetSerialization:
        """The JWKS that the gateway verifies against."""
        public = {**self._key.as_dict(private=False), "kid": self._kid, "alg": ALGORITHM, "use": "sig"}
        return {"keys": [public]}
