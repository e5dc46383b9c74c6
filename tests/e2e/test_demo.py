"""The first thing a stranger runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.stack import CHECKOUT


@pytest.mark.e2e
@pytest.mark.timeout(1500)
def test_the_demo_holds_all_that_it_claims(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "infra.demo", "demo", "--once", "--out", str(tmp_path / "out")],
        cwd=CHECKOUT,
        env={**os.environ, "D2R_DATA": str(tmp_path / "data"), "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"P7-002-heat-map.png", "P7-002-histogram.png", "P7-002-report.pdf"} <= made
