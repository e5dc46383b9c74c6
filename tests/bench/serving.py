"""Servers as processes of their own: started, waited for, looked at through /proc, ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp


@dataclass(frozen=True)
class Serving:
    url: str
    process: subprocess.Popen[bytes]

    def cpu_s(self) -> float:
        """Of the process and those it started, so far: in user code and in the kernel."""
        ticks = 0
        for pid in family(self.process.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(self.process.pid))
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def family(pid: int) -> list[int]:
    """A process and its children's children."""
    found = [pid]
    for parent in found:
        # Of every thread: any of them may have started a process.
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(each) for each in children.read_text().split()]
    return found


@asynccontextmanager
async def running(
    command: list[str],
    url: str,
    folder: Path | None = None,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The process, once it answers there; on one core only, where that is said."""
    environment = {**os.environ, "NODE_ENV": "production", **(environment or {})}
    command = command if core is None else ["taskset", "-c", str(core), *command]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            try:
                await answering(process, url)
            except BaseException:
                log.seek(0)
                sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
                raise
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def answering(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until something answers there."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args} ended with {process.returncode}")
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
