"""Which Python `./dev` takes, where PATH has several."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.stack import CHECKOUT

# What `./dev` hands on to, in place of the real one: it says which Python was taken.
TELLS = "import os; print(os.environ['TAKEN'])"


def python(folder: Path, name: str, works: bool = True, optimised: bool = True) -> Path:
    """A Python that runs scripts; how it was built is what we say."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    asked = f'case "$*" in *ctypes*) exit {int(not works)} ;; *libpython*) exit {int(not optimised)} ;; esac'
    path.write_text(f'#!/bin/sh\n{asked}\nTAKEN={name} exec {sys.executable} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(CHECKOUT / "dev", tmp_path / "dev")
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "bootstrap.py").write_text(TELLS, encoding="utf-8")
    return tmp_path


def taken(checkout: Path, *folders: Path, **environment: str) -> str:
    path = ":".join(map(str, folders))
    ran = subprocess.run([checkout / "dev"], env={"PATH": path, **environment}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_the_newest_is_taken(checkout: Path) -> None:
    python(checkout / "a", "python3.12")
    python(checkout / "b", "python3.13")
    assert taken(checkout, checkout / "a", checkout / "b") == "python3.13"


def test_an_optimised_one_goes_before_a_newer_one_that_is_not(checkout: Path) -> None:
    python(checkout / "a", "python3.13", optimised=False)
    python(checkout / "b", "python3.12")
    assert taken(checkout, checkout / "a", checkout / "b") == "python3.12"


def test_one_that_is_not_optimised_is_better_than_none(checkout: Path) -> None:
    # The system's own, which are looked at behind PATH, would be better.
    python(checkout / "a", "python3.13", works=False)
    named = python(checkout / "b", "python3.12", optimised=False)
    script = (checkout / "dev").read_text(encoding="utf-8")
    (checkout / "dev").write_text(script.replace(":/usr/local/bin:/usr/bin:", ":"), encoding="utf-8")
    assert taken(checkout, checkout / "a", named.parent) == "python3.12"


def test_one_that_does_not_work_is_passed_over(checkout: Path) -> None:
    python(checkout / "a", "python3.13", works=False)
    python(checkout / "b", "python3.12")
    assert taken(checkout, checkout / "a", checkout / "b") == "python3.12"


def test_who_names_one_gets_it(checkout: Path) -> None:
    python(checkout / "a", "python3.13")
    named = python(checkout / "b", "python3.12", optimised=False)
    assert taken(checkout, checkout / "a", D2R_PYTHON=str(named)) == "python3.12"
