"""Rules of the house that no linter knows: names, sizes, docstrings, and what a tracked file may never hold."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "subgraphs", "workers", "kernels", "db", "infra")
EMPTY_NAMES = {"utils", "util", "common", "core", "shared", "helpers", "helper", "manager", "misc"}
TOP_LEVEL = {*PACKAGES, "docs", "pages", "tests", ".ci"} | {
    ".gitignore",
    ".importlinter",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "dev",
    "justfile",
    "pyproject.toml",
    "requirements.txt",
    "requirements-cuda.txt",
    "requirements-dev.txt",
    "requirements-tools.txt",
    "schema.graphql",
}
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
# Registry hosts are spelt in pieces so that this file passes its own test.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
    )
]


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]


def test_no_module_has_an_empty_name() -> None:
    offenders = [
        str(path.relative_to(ROOT))
        for path in modules()
        if EMPTY_NAMES & set(path.with_suffix("").parts[len(ROOT.parts) :])
    ]
    assert offenders == []


def test_nothing_lies_about_at_the_top() -> None:
    """A file that somebody's tool wrote is committed easily, and read by everyone who comes after."""
    assert {path.relative_to(ROOT).parts[0] for path in tracked_files()} - TOP_LEVEL == set()


def test_every_module_with_code_says_what_it_does() -> None:
    offenders = []
    for path in modules():
        tree = ast.parse(path.read_text())
        if tree.body and not ast.get_docstring(tree):
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []


def test_no_file_outgrows_its_job() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_no_function_outgrows_the_screen() -> None:
    offenders = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION and "versions" not in path.parts:
                    offenders[f"{path.relative_to(ROOT)}:{node.name}"] = length
    assert offenders == {}


def test_no_tracked_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)))
    offenders = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if pattern.search(text):
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []


def test_every_import_contract_holds() -> None:
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True) == 0
