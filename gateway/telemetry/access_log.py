"""The access log: one JSON line for each operation, written by a thread of its own.

In: entries, from the event loop, which never waits: what finds the buffer full is dropped and counted, and the log says
how many. Out: lines, in the order of their ends. Raises OSError where the file cannot be opened.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.telemetry.entry import Entry

_log = logging.getLogger("gateway")
_encoder = msgspec.json.Encoder()
_EVERY_S = 0.2
_AT_ONCE = 1000


class AccessLog:
    """`where`: "off", "stderr" or a file's path."""

    def __init__(self, where: str, max_waiting: int = 10_000) -> None:
        self.dropped = 0
        self._max_waiting = max_waiting
        self._waiting: deque[Entry] = deque()
        self._told = 0
        self._ends = threading.Event()
        self._file: BinaryIO | None = None
        self._thread: threading.Thread | None = None
        self.enabled = where != "off"
        if self.enabled:
            self._file = sys.stderr.buffer if where == "stderr" else Path(where).open("ab")  # noqa: SIM115 - closed in close
            self._thread = threading.Thread(target=self._write_on, name="access-log", daemon=True)
            self._thread.start()

    def add(self, entry: Entry) -> None:
        """One that has ended."""
        if len(self._waiting) >= self._max_waiting:
            self.dropped += 1
        else:
            self._waiting.append(entry)

    def close(self) -> None:
        """What waits is written first."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        if self._file is not None and self._file is not sys.stderr.buffer:
            self._file.close()
        self.enabled = False

    def _write_on(self) -> None:
        while not self._ends.wait(_EVERY_S):
            self._write()
        self._write()

    def _write(self) -> None:
        file = self._file
        while file is not None and (self._waiting or self.dropped > self._told):
            some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            lines = [_encoder.encode(entry) for entry in some]
            if (dropped := self.dropped) > self._told:
                lines.append(_encoder.encode({"time": time.time(), "dropped": dropped - self._told}))
                self._told = dropped
            try:
                file.write(b"\n".join(lines) + b"\n")
                file.flush()
            except (OSError, ValueError) as error:
                # A full disk must not end the gateway; what could not be written is lost.
                _log.warning("the access log cannot be written: %s", error)
                return
