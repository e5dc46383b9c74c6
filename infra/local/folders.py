"""Where the embedded stack keeps things, and who may use a data folder now.

The data folder belongs to one stack at a time. The lock is a flock that every guard process holds too: it is free only
when the stack *and* all its programs are gone, so a start right after a `kill -9` waits for them instead of failing.
Sockets live in a short folder of their own, since a unix socket's path is limited to 107 bytes.
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local.errors import FolderInUse
from infra.local.guard import NOBODY

LONGEST_GOODBYE_S = 30.0


def data_folder(environment: Mapping[str, str], checkout: Path) -> Path:
    return Path(environment.get("D2R_DATA") or checkout / ".d2r" / "stack").absolute()


def cache_folder(environment: Mapping[str, str], checkout: Path) -> Path:
    """The user's cache where it can be written, so that several checkouts share one download."""
    home = environment.get("HOME", "")
    wanted = environment.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")
    if wanted:
        folder = Path(wanted) / "d2r"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
        except OSError:
            pass
    folder = checkout / ".d2r" / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def hold(folder: Path) -> Iterator[int]:
    """The folder is ours until the end; yields the lock's file descriptor for the guards."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Wait for whoever does the same thing (a download, say) in another process."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def socket_folder(data: Path) -> Path:
    """The same for the same data, so that addresses stay; private, or a fresh one where the name is taken."""
    name = hashlib.sha256(str(data).encode()).hexdigest()[:10]
    folder = Path("/tmp") / f"d2r-{os.geteuid()}-{name}"  # noqa: S108  # TMPDIR may be long; ownership is checked below
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        ours = {os.geteuid()} | ({NOBODY} if os.geteuid() == 0 else set())
        if folder.is_symlink() or status.st_uid not in ours or status.st_mode & 0o077:
            return Path(tempfile.mkdtemp(prefix="d2r-", dir="/tmp"))
    return folder


def _lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + LONGEST_GOODBYE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode()
        # A dead holder's programs are still saying goodbye: they hold the lock until they are gone.
        if (holder.isdigit() and _is_alive(int(holder))) or time.monotonic() > deadline:
            raise FolderInUse(folder, holder or "unknown")
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
