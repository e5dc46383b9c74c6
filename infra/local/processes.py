"""Keep child processes running: start, wait until ready, start again with back-off when one dies, stop in order.

In: programs (command, environment, log, how to tell that it is ready). Out: running children with a pid.
A child never outlives this process, however that ends: each runs under a guard (guard.py) that watches a pipe to us.
Refuses to call a program started before its own check says so; then the error carries the end of its log.
Threads here only wait and restart: the programs' lives hang on the pipes, not on a thread.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from infra.local import guard
from infra.local.errors import DidNotStart

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0
POLL_S = 0.02


@dataclass(frozen=True)
class Program:
    """What to run. `environment` is added to ours. `ready` is asked until it says yes; it must not block for long."""

    name: str
    command: Sequence[str | Path]
    folder: Path
    log: Path
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_timeout_s: float = 60.0
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10.0
    parent_death_signal: int = signal.SIGKILL
    as_nobody: Literal["", "namespace", "user"] = ""
    kill_group: bool = True
    before_start: Callable[[], None] = lambda: None
    """Run before each start, also before a restart: tidies what a killed run left."""


class Child:
    """One program that is kept running until it is stopped."""

    def __init__(
        self, program: Program, run_folder: Path, say: Callable[[str], None], keep_open: Sequence[int]
    ) -> None:
        self.program = program
        self.restarts = 0
        self._say, self._keep_open = say, tuple(keep_open)
        self._pid_file = run_folder / f"{program.name}.pid"
        self._stopping = threading.Event()
        self._spawning = threading.Lock()
        self._guard = self._spawn()
        self._started_at = time.monotonic()
        self._watch = threading.Thread(target=self._keep_running, name=f"watch {program.name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """The program's own pid (not the guard's); None while it is not running."""
        try:
            return int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def wait_until_ready(self) -> None:
        deadline = self._started_at + self.program.ready_timeout_s
        while not self.program.ready():
            status = self._guard.poll()
            if status is not None:
                raise self._failure(f"it ended with status {status}")
            if time.monotonic() > deadline:
                raise self._failure(f"it was not ready after {self.program.ready_timeout_s:.0f} s")
            time.sleep(POLL_S)
        self._watch.start()

    def stop(self) -> None:
        with self._spawning:
            self._stopping.set()
            with contextlib.suppress(BrokenPipeError):
                _stdin(self._guard).close()
        self._guard.wait()
        if self._watch.is_alive() and self._watch is not threading.current_thread():
            self._watch.join()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        program = self.program
        program.before_start()
        settings = {
            "pid_file": str(self._pid_file),
            "stop_signal": int(program.stop_signal),
            "stop_timeout_s": program.stop_timeout_s,
            "parent_death_signal": int(program.parent_death_signal),
            "as_nobody": program.as_nobody,
            "kill_group": program.kill_group,
        }
        with program.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, json.dumps(settings), *map(str, program.command)],
                cwd=program.folder,
                env={**os.environ, **program.environment},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal reaches us only; we stop them in order
                pass_fds=self._keep_open,
            )

    def _keep_running(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            status = self._guard.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - self._started_at > STEADY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            self._say(f"{self.program.name} ended with status {status}; starting it again in {pause_s:.1f} s")
            if self._stopping.wait(pause_s):
                return
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            with self._spawning:
                if self._stopping.is_set():
                    return
                _stdin(self._guard).close()
                self._guard, self._started_at = self._spawn(), time.monotonic()
                self.restarts += 1

    def _failure(self, reason: str) -> DidNotStart:
        return DidNotStart(self.program.name, reason, self.program.log, tail_of(self.program.log))


class Supervisor:
    """Children in groups: a group starts together, groups stop in reverse order. Use as a context manager."""

    def __init__(
        self, run_folder: Path, say: Callable[[str], None] = lambda _: None, keep_open: Sequence[int] = ()
    ) -> None:
        """`keep_open`: file descriptors that every guard holds too, such as the lock on the data folder."""
        run_folder.mkdir(parents=True, exist_ok=True)
        self._run_folder, self._say, self._keep_open = run_folder, say, tuple(keep_open)
        self._groups: list[list[Child]] = []

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, program: Program) -> Child:
        return self.start_together([program])[0]

    def start_together(self, programs: Iterable[Program]) -> list[Child]:
        group: list[Child] = []
        self._groups.append(group)
        for program in programs:
            child = Child(program, self._run_folder, self._say, self._keep_open)
            group.append(child)  # at once: if the next one fails, this one must still be stopped
        if group:
            with ThreadPoolExecutor(len(group)) as pool:
                list(pool.map(Child.wait_until_ready, group))
        return group

    def child(self, name: str) -> Child:
        return next(child for group in self._groups for child in group if child.program.name == name)

    def stop(self) -> None:
        while self._groups:
            group = self._groups[-1]
            if group:
                with ThreadPoolExecutor(len(group)) as pool:
                    list(pool.map(Child.stop, group))
            self._groups.pop()


def tail_of(log: Path, characters: int = 2000) -> str:
    try:
        return log.read_text(errors="replace")[-characters:]
    except FileNotFoundError:
        return ""


def _stdin(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin
