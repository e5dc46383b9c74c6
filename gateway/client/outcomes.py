"""What one try came to, in the words of the figures. In: an answer or a failure. Out: one of a closed list.

No failure and no answer to look at is an answer.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TypeVar

from gateway.client.errors import CircuitOpen, HeaderRefused, QueueFull, RefusedByStatus, TimedOut, Unreachable
from gateway.client.protocol import WireAnswer
from gateway.telemetry.subgraph_figures import Outcome, SubgraphFigures

Answer = TypeVar("Answer")


async def counted(figures: SubgraphFigures | None, work: Awaitable[Answer]) -> Answer:
    """What comes of `work`, which is one try; its end is told to the figures."""
    if figures is None:
        return await work
    began, failed = time.monotonic(), None
    try:
        return await work
    except BaseException as failure:
        failed = failure
        raise
    finally:
        figures.ended(outcome_of(None, failed), time.monotonic() - began)


def outcome_of(answer: WireAnswer | None, failure: BaseException | None) -> Outcome:
    if answer is not None:
        return "answered" if answer.status < 500 else "http_error"
    match failure:
        case None | RefusedByStatus():
            return "answered" if failure is None or failure.status < 500 else "http_error"
        case TimedOut():
            return "timeout"
        case Unreachable():
            return "unreachable"
        case CircuitOpen():
            return "circuit_open"
        case QueueFull():
            return "queue_full"
        case HeaderRefused():
            return "not_sent"
        case Exception():
            return "unreadable"
    return "cancelled"
