"""Argon2id hashes of passwords. In: a password, a hash. Out: a hash, or whether they match. Takes as long either way.

Hashing is slow on purpose, so it runs in a thread, a few at a time: each takes tens of megabytes.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 4


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        # What an unknown address is checked against, so that it takes as long as a known one.
        self._nobody = self._hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def match(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; never, but no sooner, when none is stored."""
        async with self._turn:
            matches = await asyncio.to_thread(self._matches, password, stored or self._nobody)
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker settings than ours now."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
