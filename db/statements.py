"""Count the SQL statements that a piece of work sends.

In: an engine, once. Out: `counting()`, a block that holds the text of each statement sent inside it, in this task and
the tasks it starts. BEGIN and COMMIT are not statements here; opening the tenant (`app.enter`) is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass
class Statements:
    """The statements seen so far."""

    texts: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many statements were sent."""
        return len(self.texts)


_current: ContextVar[Statements | None] = ContextVar("statements", default=None)


@contextmanager
def counting() -> Iterator[Statements]:
    """Collect every statement that is sent inside the block."""
    seen = Statements()
    token = _current.set(seen)
    try:
        yield seen
    finally:
        _current.reset(token)


def watch_statements(engine: AsyncEngine) -> None:
    """Report each statement of `engine` to the block that is counting, if any."""

    def note(
        connection: Connection, cursor: object, statement: str, parameters: object, context: object, many: bool
    ) -> None:
        if (seen := _current.get()) is not None:
            seen.texts.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
