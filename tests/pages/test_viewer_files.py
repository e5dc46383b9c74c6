"""The viewer's files as they lie: nothing foreign in them, nothing inline, and every import is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.local.embedded import VIEWER

_NAMESPACE = "http://www.w3.org/2000/svg"
_IMPORT = re.compile(r"^import \{([^}]+)\} from \"\./([^\"]+)\";$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:class|const|function) (\w+)", re.MULTILINE)
FILES = sorted(VIEWER.iterdir())


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    text = file.read_text().replace(_NAMESPACE, "")
    assert not re.search(r"https?:|wss?:|[\"'(]//", text)


def test_the_page_runs_nothing_inline() -> None:
    page = (VIEWER / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=", page)


def test_what_a_script_imports_is_there() -> None:
    for script in VIEWER.glob("*.js"):
        for names, module in _IMPORT.findall(script.read_text()):
            exported = set(_EXPORT.findall((VIEWER / module).read_text()))
            assert {name.strip() for name in names.split(",")} <= exported, f"{script.name} from {module}"


def test_every_element_that_a_script_names_is_on_the_page() -> None:
    page = set(re.findall(r'\bid="([^"]+)"', (VIEWER / "index.html").read_text()))
    for script in VIEWER.glob("*.js"):
        assert set(re.findall(r'byId\("([^"]+)"\)', script.read_text())) <= page, script.name
