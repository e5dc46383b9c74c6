"""Which of a plan's programs runs now: they differ in where they look for objects that repeat.

In: what writes a program aside, given where not to look; and what programs count while they run. Out: a program. Where
objects hardly repeat they are no longer looked for. Data changes: after a while they are looked for everywhere again.
"""

from __future__ import annotations

from asyncio import Future, wait
from collections.abc import Callable

from gateway.compiled.program import Program

# Runs; each counts all places of its answer.
_WEIGHED_AFTER = 16
# Weighings that found all as it was.
_ALL_AGAIN_AFTER = 128
_MOST_KEPT = 4
Unlike = frozenset[int]
"""Positions at which objects were seen not to repeat."""


class Variants:
    def __init__(self, write: Callable[[Unlike], Future[Program | None]]) -> None:
        self._write = write
        self._written: dict[Unlike, Program] = {}
        self._now: Program | None = None
        self._has_tried = False
        self._weighings = 0
        self._unlike: Unlike = frozenset()
        self._writing: Future[Program | None] | None = None

    def now(self) -> Program | None:
        """None: none is written yet, or none can be. While one is written, what was there before runs."""
        program = self._now
        if self._writing is not None:
            if self._writing.done():
                self._take(self._writing)
        elif program is None:
            if not self._has_tried:
                self._change_to(frozenset())
        elif program.runs >= _WEIGHED_AFTER:
            self._weigh(program)
        return self._now

    async def when_written(self) -> Program | None:
        """None: none can be written."""
        program = self.now()
        if self._writing is None:
            return program
        await wait([self._writing])
        return self.now()

    def _weigh(self, program: Program) -> None:
        unlike = program.counts.unlike()
        program.runs = 0
        self._weighings += 1
        if unlike:
            self._weighings = 0
            self._change_to(program.unlike | unlike)
        elif program.unlike and self._weighings >= _ALL_AGAIN_AFTER:
            self._weighings = 0
            self._change_to(frozenset())

    def _change_to(self, unlike: Unlike) -> None:
        found = self._written.get(unlike)
        if found is None:
            self._unlike, self._writing = unlike, self._write(unlike)
        else:
            # What those counted that were still under way says nothing of now.
            found.counts.unlike()
            found.runs = 0
            self._now = found

    def _take(self, writing: Future[Program | None]) -> None:
        self._writing, self._has_tried = None, True
        program = None if writing.cancelled() else writing.result()
        if program is not None:
            self._now = program
            if len(self._written) < _MOST_KEPT:
                self._written[self._unlike] = program
