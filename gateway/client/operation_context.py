"""What a fetch knows of its operation without being told in every request: until when, for whom, and whether to share.

Set around an operation by whoever runs it, read by clients; tasks that the operation starts inherit it.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from contextvars import ContextVar

from msgspec import Struct

from gateway.plan.nodes import OperationKind


class OperationContext(Struct, frozen=True):
    """deadline: on the monotonic clock. owner: whose operation it is; None: nobody known."""

    deadline: float
    owner: Hashable | None
    shares: bool


_current: ContextVar[OperationContext | None] = ContextVar("operation", default=None)
current = _current.get
"""The context of the operation that is running here, if any says so."""


def seconds_left(most: float) -> float:
    """`most`, or what is left of the operation if that is less."""
    context = _current.get()
    return most if context is None else max(0.0, min(most, context.deadline - time.monotonic()))


class Operations:
    """Opens contexts. `writes` counts mutations that came to an end: what was asked before is no answer to what is
    asked after one."""

    def __init__(self, timeout_s: float = 60.0) -> None:
        self.timeout_s = timeout_s
        self.writes = 0

    def context(self, kind: OperationKind, owner: Hashable | None) -> OperationContext:
        return OperationContext(time.monotonic() + self.timeout_s, owner, kind != "mutation")

    def running(self, context: OperationContext) -> _Running:
        """Not around a `yield`: a generator runs in the context of whoever asks it for more."""
        return _Running(self, context)


class _Running:
    # A class, since `contextmanager` would cost each operation a microsecond more.
    __slots__ = ("_context", "_operations", "_token")

    def __init__(self, operations: Operations, context: OperationContext) -> None:
        self._operations, self._context = operations, context

    def __enter__(self) -> None:
        self._token = _current.set(self._context)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        if not self._context.shares:
            self._operations.writes += 1
