"""`python -m gateway api-key`: make, list and revoke the API keys of a file that `api_keys.file` names.

In: the command line. Out: a new key on standard output, once: the file holds its hash alone. A running gateway sees a
changed file within a second. The file is written whole or not at all, for its owner alone. Exit status 1 for a file
that is none and for a key that is not there.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.errors import GatewayError
from gateway.http.api_key_verifiers import HashedKey, keys_in

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_SECRET_BYTES = 32
_LASTS = re.compile(r"([1-9][0-9]{0,4})([hd])\Z")


class NoSuchKey(GatewayError):
    """Nothing in the file fits."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `api-key`."""
    deeds = parser.add_subparsers(dest="deed", required=True)
    create = deeds.add_parser("create", help="make a key; what is printed is the only copy")
    create.add_argument("--prefix", type=_prefix, required=True, help="what the key begins with; may be seen in logs")
    create.add_argument("--subject", required=True, help="who asks with it")
    create.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="what it may do; several times")
    create.add_argument(
        "--claim", action="append", default=[], type=_claim, metavar="NAME=VALUE", help="as of a token: tenant=acme"
    )
    create.add_argument("--lasts", type=_lasts, metavar="TIME", help="90d or 12h; without it the key never ends")
    listing = deeds.add_parser("list", help="who has keys, and until when")
    revoke = deeds.add_parser("revoke", help="take a key out")
    revoke.add_argument("--prefix", required=True)
    revoke.add_argument("--sha256", default="", metavar="START", help="which of several: how its line in `list` begins")
    for each in (create, listing, revoke):
        each.add_argument("--file", type=Path, required=True, help="the file of keys")


def run(chosen: argparse.Namespace, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    """Do the deed; the exit status. Raises `GatewayError` and OSError for what cannot be done."""
    file: Path = chosen.file
    if chosen.deed == "list":
        for key in keys_in(file):
            until = "never ends" if key.expires_at is None else f"ends {key.expires_at.isoformat()}"
            print(f"{key.sha256[:12]}  {key.prefix}  {key.subject}  {' '.join(key.scopes) or '-'}  {until}")
    elif chosen.deed == "create":
        text = f"{chosen.prefix}.{secrets.token_urlsafe(_SECRET_BYTES)}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        expires_at = None if chosen.lasts is None else (now() + chosen.lasts).replace(microsecond=0)
        key = HashedKey(chosen.prefix, digest, chosen.subject, chosen.scope, dict(chosen.claim), expires_at)
        _write(file, [*(keys_in(file) if file.exists() else []), key])
        print(text)
        print("This is the only copy: the file holds its hash.", file=sys.stderr)
    else:
        _revoke(file, chosen.prefix, chosen.sha256)
    return 0


def _revoke(file: Path, prefix: str, start: str) -> None:
    keys = keys_in(file)
    found = [key for key in keys if key.prefix == prefix and key.sha256.startswith(start)]
    if not found:
        raise NoSuchKey(f"{file} has no key with the prefix {prefix!r} and a hash that begins with {start!r}.")
    if len(found) > 1:
        raise NoSuchKey(f"{len(found)} keys have the prefix {prefix!r}: say which with --sha256.")
    _write(file, [key for key in keys if key is not found[0]])


def _write(file: Path, keys: list[HashedKey]) -> None:
    """Nobody else may read it from the first byte on; a gateway never reads half of it."""
    kept = msgspec.json.format(msgspec.json.encode(keys)) + b"\n"
    handle, beside = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as writing:
            writing.write(kept)
            writing.flush()
            os.fsync(writing.fileno())
        if file.exists():
            os.chmod(beside, file.stat().st_mode & 0o777)
        os.replace(beside, file)
    finally:
        Path(beside).unlink(missing_ok=True)


def _prefix(text: str) -> str:
    if not _PREFIX.match(text):
        raise argparse.ArgumentTypeError("a prefix has 1 to 64 letters, digits, _ and -")
    return text


def _claim(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or name == "scopes":
        raise argparse.ArgumentTypeError("expected NAME=VALUE (and scopes with --scope)")
    return name, value


def _lasts(text: str) -> timedelta:
    found = _LASTS.match(text)
    if found is None:
        raise argparse.ArgumentTypeError("expected a number and h or d, as in 90d")
    return timedelta(**{{"h": "hours", "d": "days"}[found[2]]: int(found[1])})
