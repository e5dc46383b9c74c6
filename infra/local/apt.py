"""Fetch Debian packages without root: a private apt state resolves and downloads them, dpkg-deb unpacks them.

In: package names, packages to pretend are there, installed packages to overlook. Out: a folder with their files.
The machine's own package sources and keys are used as they are; nothing is installed, and `/var/lib` is only read.
The folder appears by one rename when it is whole. Refuses (PackagesMissing, made by the caller) where apt is not there.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.local.folders import one_at_a_time

STATUS = Path("/var/lib/dpkg/status")
# Identity only: with no Depends or Conflicts in it, leaving packages out of the status cannot break anything.
IDENTITY = re.compile(r"^(Package|Status|Architecture|Multi-Arch|Version|Provides|Maintainer|Priority|Section):")


class AptFailed(Exception):
    """Apt is absent or said no; the text says which."""


class PrivateApt:
    """Apt with a state folder of its own."""

    def __init__(self, state: Path, pretend: Sequence[str] = (), overlook: str = r"^$") -> None:
        for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise AptFailed(f"{tool} is not there (only Debian and its kin have it)")
        self._state = state
        for folder in ("lists/partial", "archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").write_text(_status(pretend, re.compile(rf"Package: (?:{overlook})")))
        settings = {
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state,
            "Dir::Cache::archives": state / "archives",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "",
            "APT::Get::List-Cleanup": "0",
            "Acquire::Languages": "none",
            "Acquire::GzipIndexes": "true",
            "Acquire::Retries": "3",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
        }
        self._options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]

    def update(self) -> None:
        """Package lists; a source that fails (a vendor's, say) does not matter as long as the packages are found."""
        _run(["apt-get", *self._options, "-qq", "update"], may_fail=True)

    def names(self, pattern: str) -> list[str]:
        lines = _run(["apt-cache", *self._options, "search", "--names-only", pattern]).splitlines()
        return [line.split(" ", 1)[0] for line in lines if line]

    def unpack(self, packages: Sequence[str], into: Path) -> int:
        """Download the packages and all they need, and unpack them. Returns how many there were."""
        install = ["install", "-qq", "-y", "--no-install-recommends", "--download-only"]
        _run(["apt-get", *self._options, *install, *packages])
        archives = sorted((self._state / "archives").glob("*.deb"))
        for archive in archives:
            _run(["dpkg-deb", "-x", str(archive), str(into)])
        return len(archives)


def fetch_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, made whole by `make` the first time: in a temporary folder beside it, then renamed."""
    if folder.exists():
        return folder
    with one_at_a_time(folder.with_name(folder.name + ".lock")):
        if folder.exists():
            return folder
        for left_by_a_kill in folder.parent.glob(f"{folder.name}.*.part"):
            shutil.rmtree(left_by_a_kill, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=folder.name + ".", suffix=".part", dir=folder.parent))
        try:
            make(temporary)
            temporary.chmod(0o755)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return folder


def _status(pretend: Sequence[str], overlook: re.Pattern[str]) -> str:
    stanzas = [stanza.strip() for stanza in STATUS.read_text().split("\n\n")] if STATUS.exists() else []
    installed = [
        "\n".join(filter(IDENTITY.match, stanza.splitlines()))
        for stanza in stanzas
        if "ok installed" in stanza and not overlook.match(stanza)
    ]
    have = {stanza.split("\n", 1)[0] for stanza in installed}
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    pretended = [
        f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: libs\nVersion: 9:99\n"
        f"Architecture: {architecture}\nMulti-Arch: allowed\nMaintainer: nobody <nobody@localhost>"
        for name in pretend
        if f"Package: {name}" not in have
    ]
    return "".join(f"{stanza}\nDescription: -\n\n" for stanza in installed + pretended)


def _run(command: Sequence[str], may_fail: bool = False) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode and not may_fail:
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise AptFailed(f"`{command[0]}` failed: {last}")
    return done.stdout
