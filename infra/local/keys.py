"""Keys and passwords of one installation: made at first start, then only read. Every file is 0600.

    capability.key       32 bytes: mints the database's tenant capabilities
    job-signing.key      32 bytes: signs the broker's wake-ups
    ledger.key           32 bytes: the ledger's commitments
    audit-checkpoint.pem Ed25519, PKCS 8: signs the audit log's checkpoints   (+ audit-checkpoint.jwks.json, public)
    caller-token.pem     Ed25519, PKCS 8: the gateway signs who is asking     (+ caller-token.jwks.json, public)
    tenancy-token.pem    Ed25519, PKCS 8: tenancy signs user tokens           (+ tenancy-token.jwks.json, public)
    <role>.password      one for each database role and for Valkey; s3.access-key, s3.secret-key

Secrets and passwords are made by `db.keys`, which the platform's processes read them with. A key's `kid` is its RFC
7638 thumbprint, so that both halves name it alike. Files appear whole or not at all.
"""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import OKPKey

from db.keys import CAPABILITY_KEY, CHECKPOINT_KEY, JOB_SIGNING_KEY, LEDGER_KEY, role_password, secret_key

SECRETS = (CAPABILITY_KEY, JOB_SIGNING_KEY, LEDGER_KEY)
PAIRS = ("caller-token", "tenancy-token", CHECKPOINT_KEY)
PASSWORDS = ("postgres", "d2r_owner", "d2r_app", "d2r_relay", "d2r_sequencer", "d2r_sweeper", "d2r_keylookup", "valkey")


@dataclass(frozen=True)
class Keys:
    """The folder and how to read it."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def password(self, role: str) -> str:
        return self.text(f"{role}.password")

    def secret(self, name: str) -> bytes:
        """The 32 bytes of `capability`, `job-signing` or `ledger`."""
        return secret_key(self.folder, name)

    def private_key(self, pair: str) -> bytes:
        """PEM of `caller-token`, `tenancy-token` or `audit-checkpoint`."""
        return (self.folder / f"{pair}.pem").read_bytes()

    def jwks(self, pair: str) -> Path:
        return self.folder / f"{pair}.jwks.json"


def read_or_make(folder: Path) -> Keys:
    """Call it while holding the data folder: two makers at once would disagree."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in SECRETS:
        secret_key(folder, name)
    for role in PASSWORDS:
        role_password(folder, role)
    _once(folder / "s3.access-key", lambda: "D2R" + secrets.token_hex(9)[:17].upper())
    _once(folder / "s3.secret-key", lambda: secrets.token_urlsafe(30))
    for pair in PAIRS:
        _make_pair(folder, pair)
    return Keys(folder)


def _make_pair(folder: Path, name: str) -> None:
    private, public = folder / f"{name}.pem", folder / f"{name}.jwks.json"
    _once(private, lambda: OKPKey.generate_key("Ed25519").as_pem(private=True).decode())

    def key_set() -> str:
        key = OKPKey.import_key(private.read_text())
        facts = {"kid": key.thumbprint(), "alg": "EdDSA", "use": "sig"}
        return json.dumps({"keys": [{**key.as_dict(private=False), **facts}]}, indent=2)

    _once(public, key_set)


def _once(file: Path, make: Callable[[], str]) -> None:
    if file.exists():
        return
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(make())
        out.flush()
        os.fsync(out.fileno())
    fresh.rename(file)
