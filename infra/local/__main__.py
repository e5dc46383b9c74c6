"""Run the embedded stack in the foreground: `python -m infra.local [--data FOLDER] [--careless] [--while-pid PID]`.

Prints what it does and where the services answer; stops cleanly on Ctrl-C or SIGTERM, and when the process named by
`--while-pid` ends. Exit status 1 with a plain sentence where it cannot start.
"""

import argparse
import os
import select
import signal
import sys
import time
from pathlib import Path

from infra.local import folders
from infra.local.errors import StackError
from infra.local.stack import CHECKOUT, Endpoints, Stack, discard


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="The embedded stack, in the foreground.")
    parser.add_argument("--data", type=Path, default=folders.data_folder(os.environ, CHECKOUT))
    parser.add_argument("--careless", action="store_true", help="for throw-away data: do not wait for the disk")
    parser.add_argument("--discard", action="store_true", help="delete the data at the end")
    parser.add_argument("--while-pid", type=int, help="stop when that process ends")
    given = parser.parse_args()
    stop_reading = _stop_pipe()
    try:
        with Stack(given.data, say=_Clock().say, careless=given.careless) as endpoints:
            _show(endpoints)
            _wait(stop_reading, given.while_pid)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if given.discard:
            discard(given.data)
    return 0


class _Clock:
    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", flush=True)


def _stop_pipe() -> int:
    """A signal becomes a byte: nothing is torn off in the middle of starting, and select sees it."""
    reading, writing = os.pipe()

    def stop(*_: object) -> None:
        os.write(writing, b"x")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return reading


def _wait(stop_reading: int, while_pid: int | None) -> None:
    watched = [stop_reading]
    if while_pid is not None:
        try:
            watched.append(os.pidfd_open(while_pid))
        except ProcessLookupError:
            return
    select.select(watched, [], [])


def _show(endpoints: Endpoints) -> None:
    for name, value in endpoints.environment().items():
        print(f"{name}={value}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
