"""One whole platform for the tests of this folder: stack, graph, jobs, relay and rounds as processes."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.demo.part import demo_part, write_stl
from infra.demo.scanner import Bulge, scan_part, write_laz
from infra.local.folders import cache_folder
from infra.local.platform import Platform, Running, any_free_port
from infra.local.stack import CHECKOUT
from infra.local.system_libraries import library_folder, preload


@dataclass(frozen=True)
class Whole:
    """A running platform and the handle on its processes."""

    running: Running
    platform: Platform

    def pid_of(self, name: str) -> int:
        """The process that the supervisor keeps under this name."""
        pid = self.platform.stack.supervisor.child(name).pid
        assert pid is not None
        return pid


@dataclass(frozen=True)
class Batch:
    """A part and one scan of it, which has a bulge of 0.30 mm."""

    cad: Path
    scan: Path


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    platform = Platform(tmp_path_factory.mktemp("platform") / "data", environment=_own_stack(), port=any_free_port())
    with platform as running:
        yield Whole(running, platform)


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    folder = library_folder(cache_folder(os.environ, CHECKOUT))
    if folder is not None:
        preload(folder)
    out = tmp_path_factory.mktemp("batch")
    part = demo_part()
    write_stl(part, out / "bracket.stl")
    write_laz(scan_part(part, "E2E-1", Bulge(height_mm=0.30)), out / "E2E-1.laz", datetime.date(2026, 1, 1))
    return Batch(out / "bracket.stl", out / "E2E-1.laz")


def _own_stack() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT")
    }
