"""Open3D's system libraries, which a bare machine lacks: the machine's own, else Debian's packages in the cache.

Out: a folder for LD_LIBRARY_PATH, or None where the machine has them all. A process that is already running takes them
by `preload`, since the loader reads that variable only at a start.
Refuses with PackagesMissing, which names what to install.
"""

import ctypes
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.apt import AptFailed, PrivateApt, fetch_once
from infra.local.errors import PackagesMissing

PACKAGES: Mapping[str, str] = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libudev.so.1": "libudev1",
    "libidn2.so.0": "libidn2-0",
    "libX11.so.6": "libx11-6",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
}
# Drivers and their LLVM: nothing is drawn, only linked.
PRETENDED = ("libegl-mesa0", "libglx-mesa0")
# Fetched although the package database says "installed": what it says and which files are there can differ.
OVERLOOKED = ("libglvnd0", "libglx0", "libxcb1", "libxau6", "libxdmcp6", "libbsd0", "libmd0")


def library_folder(cache: Path, say: Callable[[str], None] = lambda _: None) -> Path | None:
    """Where the missing libraries are (fetched the first time), or None if none is missing."""
    missing = missing_libraries()
    return fetched(missing, cache, say) if missing else None


def fetched(libraries: Sequence[str], cache: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """A folder with these libraries and what they need, fetched unless the cache has it."""
    packages = [PACKAGES[name] for name in libraries]

    def make(folder: Path) -> None:
        say(f"fetching system libraries for Open3D, once: {', '.join(packages)}")
        _unpack(packages, folder)

    try:
        folder = fetch_once(cache / f"libraries-{os.uname().machine}-{'-'.join(sorted(packages))}", make)
    except AptFailed as error:
        raise PackagesMissing("A system library that Open3D needs", packages, str(error)) from error
    return folder / "lib"


def with_libraries(environment: Mapping[str, str], folder: Path | None) -> dict[str, str]:
    """The environment for a process that may import Open3D."""
    if folder is None:
        return dict(environment)
    paths = filter(None, [str(folder), environment.get("LD_LIBRARY_PATH")])
    return {**environment, "LD_LIBRARY_PATH": os.pathsep.join(paths)}


def preload(folder: Path) -> None:
    """Load the fetched libraries into this process; whoever needs one later finds it by its name."""
    waiting = sorted(folder.glob("*.so.*"))
    while waiting:
        again = [library for library in waiting if not _loads(library)]
        if len(again) == len(waiting):
            return  # the rest serve libraries that are not wanted here
        waiting = again


def missing_libraries() -> list[str]:
    known = _known_to_the_loader()
    return [name for name in PACKAGES if name not in known]


def _known_to_the_loader() -> set[str]:
    try:
        listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    except OSError:
        listed = ""
    known = {line.split(" ", 1)[0].strip() for line in listed.splitlines() if "=>" in line}
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        known.update(name for name in PACKAGES if folder and (Path(folder) / name).exists())
    return known


def _loads(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def _unpack(packages: list[str], folder: Path) -> None:
    """All libraries into one flat folder `lib`."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        names = "|".join(map(re.escape, [*packages, *OVERLOOKED]))
        apt = PrivateApt(Path(scratch) / "apt", PRETENDED, rf"({names})\n")
        apt.update()
        root = Path(scratch) / "root"
        apt.unpack(packages, root)
        (folder / "lib").mkdir()
        for library in [*root.glob("usr/lib/*/*.so.*"), *root.glob("lib/*/*.so.*"), *root.glob("usr/lib/*.so.*")]:
            if not (folder / "lib" / library.name).exists():
                library.rename(folder / "lib" / library.name)
