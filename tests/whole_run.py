"""`./dev test`: every test, two at a time; the few that fail are asked once more, with the machine to themselves.

Many tests hold real processes to a clock, and a machine that is lent to others stands still when it likes. What passes
alone is named as such, for somebody to look at; what fails alone, or in greater number, has failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FEW = 12
"""Failures beyond which the code is broken rather than the machine busy."""
_TESTS_FAILED = 1
"""pytest's exit status; others say that it could not run at all."""


def main(arguments: list[str], notes: Path = Path(".pytest_cache")) -> int:
    """pytest's exit status. notes: the folder that it keeps its memory in."""
    always = ["-o", f"cache_dir={notes}"]
    # What an earlier run left is not of this one.
    (notes / "v" / "cache" / "lastfailed").unlink(missing_ok=True)
    status = _pytest([*always, "-n", "2", "--dist", "loadgroup", *arguments])
    failed = _failed(notes)
    if status != _TESTS_FAILED or not 0 < len(failed) <= FEW:
        return status
    print(f"\n{len(failed)} failed. They are asked once more, alone:", *failed, sep="\n  ", flush=True)
    status = _pytest([*always, "--last-failed", "--last-failed-no-failures", "none", *arguments, "-n", "0"])
    passed = [each for each in failed if each not in _failed(notes)]
    print("\nFailed beside others and passed alone (is it bound to a clock?):", *passed or ["none"], sep="\n  ")
    return status


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments]).returncode


def _failed(notes: Path) -> list[str]:
    """What pytest's own memory of the last run holds."""
    file = notes / "v" / "cache" / "lastfailed"
    return list(json.loads(file.read_text())) if file.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
