"""Which of a plan's programs runs now: they differ in where they look for objects that repeat.

In: what writes a program, given where not to look; and what programs count while they run. Out: a program. Where
objects hardly repeat they are no longer looked for. Data changes: after a while they are looked for everywhere again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.compiled.program import Program

# Runs; each counts all places of its answer.
_WEIGHED_AFTER = 16
# Weighings that found all as it was.
_ALL_AGAIN_AFTER = 128
_MOST_KEPT = 4
Unlike = frozenset[int]
"""Positions at which objects were seen not to repeat."""


class Variants:
    def __init__(self, write: Callable[[Unlike], Awaitable[Program | None]]) -> None:
        self._write = write
        self._written: dict[Unlike, Program] = {}
        self._now: Program | None = None
        self._is_first = True
        self._weighings = 0

    async def now(self) -> Program | None:
        """None: no program can be written."""
        program = self._now
        if program is None:
            if self._is_first:
                program = self._now = await self._variant(frozenset())
                self._is_first = False
        elif program.runs >= _WEIGHED_AFTER:
            program = self._now = await self._weighed(program)
        return program

    async def _weighed(self, program: Program) -> Program:
        unlike = program.counts.unlike()
        program.runs = 0
        self._weighings += 1
        if unlike:
            self._weighings = 0
            return await self._variant(program.unlike | unlike) or program
        if program.unlike and self._weighings >= _ALL_AGAIN_AFTER:
            self._weighings = 0
            return await self._variant(frozenset()) or program
        return program

    async def _variant(self, unlike: Unlike) -> Program | None:
        found = self._written.get(unlike)
        if found is None:
            found = await self._write(unlike)
            if found is not None and len(self._written) < _MOST_KEPT:
                self._written[unlike] = found
        else:
            # What those counted that were still under way says nothing of now.
            found.counts.unlike()
            found.runs = 0
        return found
