"""What live streams do, in numbers: one object for a gateway, read whenever somebody wants to know."""

from __future__ import annotations

from msgspec import Struct


class Counters(Struct):
    """`subscriptions` and `upstreams` are of now; the others only grow.

    events: came from subgraphs. delivered: went out to readers. superseded: a newer event of their key came before they
    could go out. dropped: waited for a reader that was too slow. slow_consumers: such readers.
    """

    subscriptions: int = 0
    upstreams: int = 0
    events: int = 0
    delivered: int = 0
    superseded: int = 0
    dropped: int = 0
    slow_consumers: int = 0
