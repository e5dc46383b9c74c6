"""What can go wrong while the embedded stack comes up.

StackError
├── FolderInUse        another stack holds this data folder
├── PackagesMissing    the machine offers no way to a needed system package; says what to install or set
├── DidNotStart        a program ended, or never got ready; carries the end of its log
└── SettingMissing     an outside service was named without what is needed to reach it
"""

from collections.abc import Sequence
from pathlib import Path


class StackError(Exception):
    """The root of this tree; its text is meant for the person at the terminal."""


class FolderInUse(StackError):
    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"The data folder {folder} is in use by another stack (process {holder}). "
            "Stop that one first, or choose another folder with D2R_DATA."
        )
        self.folder, self.holder = folder, holder


class PackagesMissing(StackError):
    def __init__(self, what: str, packages: Sequence[str], reason: str, instead: str = "") -> None:
        text = f"{what} is not on this machine and could not be fetched: {reason}\n"
        text += f"Install it with:  apt-get install -y {' '.join(packages)}"
        super().__init__(text + (f"\nOr {instead}" if instead else ""))
        self.packages = tuple(packages)


class DidNotStart(StackError):
    def __init__(self, name: str, reason: str, log: Path, tail: str) -> None:
        super().__init__(f"{name} did not start: {reason} (log: {log})\n{tail}".rstrip())
        self.name, self.log = name, log


class SettingMissing(StackError):
    def __init__(self, given: str, missing: Sequence[str]) -> None:
        super().__init__(f"{given} is set, so these must be set too: {', '.join(missing)}.")
        self.missing = tuple(missing)
