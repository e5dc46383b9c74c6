"""Peers of other languages: programs from npm that tests run against the gateway.

`./dev peers` installs them, pinned, beside this file; where they are not, such a test is skipped and says so. The same
rules are tested in Python too: nothing is proven by Node alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALLED = HERE / "node_modules"

needs_peers = pytest.mark.skipif(
    shutil.which("node") is None or not INSTALLED.exists(),
    reason="needs Node and its packages: ./dev peers",
)
