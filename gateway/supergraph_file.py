"""The supergraph's file, watched: a new text in it is handed on, a broken one is refused in the log.

In: the file, and who takes a new text. It is looked at every second, and at once after SIGHUP. Whoever writes it does
well to write beside it and rename: half a file is refused as any broken one, and the next look finds the whole.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from gateway.errors import GatewayError

_log = logging.getLogger("gateway")


class Reloads(Struct):
    """last_s: when the newest was taken, Unix time; that of the start before any was."""

    taken: int = 0
    refused: int = 0
    last_s: float = field(default_factory=time.time)

    async def counting(self, taking: Awaitable[None]) -> None:
        """`taking`: a new supergraph; raises what it raises."""
        try:
            await taking
        except Exception:
            self.refused += 1
            raise
        self.taken += 1
        self.last_s = time.time()


async def watch(file: Path, text: str, reload: Callable[[str], Awaitable[None]], every_s: float = 1.0) -> None:
    """Look for ever; `text` is what the gateway runs with."""
    asked = asyncio.Event()
    # Only a process's main thread hears signals; elsewhere looking has to do.
    with suppress(RuntimeError, ValueError, NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    seen = _mark(file)
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), every_s)
        if not asked.is_set() and _mark(file) == seen:
            continue
        asked.clear()
        seen = _mark(file)
        text = await _taken(file, text, reload)


async def _taken(file: Path, text: str, reload: Callable[[str], Awaitable[None]]) -> str:
    """The text that the gateway runs with from now on."""
    try:
        newest = await asyncio.to_thread(file.read_text, encoding="utf-8")
        if newest == text:
            return text
        await reload(newest)
    except (GatewayError, OSError, UnicodeDecodeError) as refused:
        _log.error("the new supergraph in %s is refused, the old one stays: %s", file, refused)
        return text
    except Exception:
        # A text that breaks the reader in a way nobody foresaw must not end the watch.
        _log.exception("the new supergraph in %s is refused, the old one stays", file)
        return text
    _log.warning("the supergraph was read anew from %s", file)
    return newest


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
