"""What fails beside others is asked once more, alone; what fails then has failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import whole_run

ONCE = """
from pathlib import Path
import pytest

def test_that_fails_once():
    been = Path(__file__).with_name("been")
    seen = been.exists()
    been.touch()
    assert seen

@pytest.mark.parametrize("number", range({broken}))
def test_that_fails(number):
    assert False
"""


@pytest.mark.parametrize(
    ("broken", "status", "named"),
    [(0, 0, "test_that_fails_once"), (2, 1, "test_that_fails_once"), (whole_run.FEW, 1, None)],
)
def test_only_what_fails_alone_too_has_failed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], broken: int, status: int, named: str | None
) -> None:
    (tmp_path / "test_some.py").write_text(ONCE.replace("{broken}", str(broken)))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    given = ["-q", "-c", str(tmp_path / "pytest.ini"), "--rootdir", str(tmp_path), str(tmp_path)]
    assert whole_run.main(given, tmp_path / "notes") == status
    told = capfd.readouterr().out.partition("passed alone")
    assert ("asked once more" in told[0]) == (named is not None)
    if named is not None:
        assert named in told[2]
        assert "test_that_fails[" not in told[2]
