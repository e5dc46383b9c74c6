"""Requests of one execution that were sent before it began: their answers are taken, nobody sends them again.

A program that meets a surprise leaves what it has asked for to the generic executor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.client.http import body_of
from gateway.client.protocol import SubgraphRequest, WireAnswer

Answer = WireAnswer | Mapping[str, object]
"""As it came: off the wire, or as values of this process."""


class Sent:
    """By fetch id: what was asked, and the answer to come."""

    def __init__(self) -> None:
        self._requests: dict[int, tuple[bytes, asyncio.Future[Answer]]] = {}

    def add(self, fetch_id: int, body: bytes, answer: asyncio.Future[Answer]) -> None:
        self._requests[fetch_id] = (body, answer)

    def answer_to(self, fetch_id: int, request: SubgraphRequest) -> asyncio.Future[Answer] | None:
        """The answer to that very request, once. A mutation's fetch never asks anything else."""
        found = self._requests.get(fetch_id)
        if found is None or (request.kind != "mutation" and found[0] != body_of(request)):
            return None
        del self._requests[fetch_id]
        return found[1]

    @property
    def is_held(self) -> bool:
        """Whether there is anything to end."""
        return bool(self._requests)

    def all_were_taken(self) -> None:
        """Whoever sent them has awaited every answer."""
        self._requests.clear()

    async def aclose(self) -> None:
        """End what nobody waits for; over when it has ended."""
        left = [answer for _, answer in self._requests.values() if not answer.done()]
        for answer in left:
            answer.cancel()
        for _, answer in self._requests.values():
            if answer.done() and not answer.cancelled():
                answer.exception()
        self._requests.clear()
        if left:
            await asyncio.gather(*left, return_exceptions=True)
