"""Open3D for benchmarks: a bare machine lacks the system libraries that it needs, so they are fetched first."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import Any

from infra.local.folders import cache_folder
from infra.local.stack import CHECKOUT
from infra.local.system_libraries import library_folder, preload


@cache
def open3d() -> Any:
    """The module. Refuses with PackagesMissing, which names what to install."""
    folder = library_folder(cache_folder(os.environ, CHECKOUT), print)
    if folder is not None:
        preload(folder)
    return importlib.import_module("open3d")
