"""Open3D finds what it links to, in this process and in one that it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.errors import PackagesMissing
from infra.local.folders import cache_folder
from infra.local.stack import CHECKOUT
from infra.local.system_libraries import fetched, library_folder, missing_libraries, with_libraries

USB = "libusb-1.0.so.0"


def test_open3d_can_be_imported_by_a_process_that_gets_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # What this process was given to find counts as the machine's own.
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    folder = library_folder(cache_folder(os.environ, CHECKOUT))
    command = [sys.executable, "-c", "import open3d; print(open3d.geometry.PointCloud().is_empty())"]
    answer = subprocess.run(command, env=with_libraries(os.environ, folder), capture_output=True, text=True)
    assert (answer.stdout, answer.returncode) == ("True\n", 0), answer.stderr


def test_fetched_libraries_serve_open3d_in_place_of_the_machines_own() -> None:
    folder = fetched([USB], cache_folder(os.environ, CHECKOUT))
    program = "import open3d; print(*{line.split()[-1] for line in open('/proc/self/maps') if 'libusb' in line})"
    answer = subprocess.run(
        [sys.executable, "-c", program], env=with_libraries(os.environ, folder), capture_output=True, text=True
    )
    assert answer.stdout.startswith(str(folder)), answer.stderr


def test_preloaded_libraries_are_found_by_name_afterwards() -> None:
    folder = fetched([USB], cache_folder(os.environ, CHECKOUT))
    program = (
        "import sys; from pathlib import Path; from infra.local.system_libraries import preload;"
        "preload(Path(sys.argv[1])); import open3d;"
        "print(*{line.split()[-1] for line in open('/proc/self/maps') if 'libusb' in line})"
    )
    answer = subprocess.run([sys.executable, "-c", program, folder], cwd=CHECKOUT, capture_output=True, text=True)
    assert answer.stdout.startswith(str(folder)), answer.stderr


def test_a_machine_that_has_them_all_needs_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("libusb-1.0.so.0", "libudev.so.1", "libidn2.so.0", "libX11.so.6", "libEGL.so.1", "libGL.so.1"):
        (tmp_path / name).touch()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert missing_libraries() == []
    assert library_folder(tmp_path / "cache") is None


def test_without_apt_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackagesMissing, match=r"apt-get install -y libusb-1.0-0 libgl1"):
        fetched([USB, "libGL.so.1"], tmp_path)
