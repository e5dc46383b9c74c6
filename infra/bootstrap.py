"""From a bare Python to a working checkout: uv and just under `.d2r/`, the environment in `.venv`, then `just`.

In: the arguments for just. Out: this process becomes just. Standard library only: nothing is installed yet.
All packages are pinned with hashes. Where they come from is the user's business: pip's and uv's settings are respected,
and what pip's settings say about indexes and certificates is handed over to uv, which does not read them.
Safe to run twice at once (the second waits) and to interrupt (what is half-made is made again).
Refuses with one plain sentence: no way to run pip, a checkout that cannot be written, a download that failed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
STATE = CHECKOUT / ".d2r"
TOOLS_LOCK = CHECKOUT / "requirements-tools.txt"
PACKAGES_LOCK = CHECKOUT / "requirements-dev.txt"
ENVIRONMENT = CHECKOUT / ".venv"
PYTHON = str(Path(getattr(sys, "_base_executable", "") or sys.executable).resolve())

# What pip's settings are called in uv's environment.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
}


class BootstrapFailed(Exception):
    """Its text is for the person at the terminal."""


def main(arguments: list[str]) -> None:
    tools = STATE / f"tools-{_digest(TOOLS_LOCK)}"
    stamp = ENVIRONMENT / f"synced-{_digest(PACKAGES_LOCK)}"
    if not (tools.exists() and stamp.exists()):
        with _alone():
            if not tools.exists():
                _make_tools(tools)
            if not stamp.exists():
                _make_environment(tools / "bin" / "uv", stamp)
    _become_just(tools, arguments)


def _become_just(tools: Path, arguments: list[str]) -> None:
    path = os.pathsep.join([str(ENVIRONMENT / "bin"), str(tools / "bin"), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(ENVIRONMENT)}
    environment.pop("PYTHONHOME", None)
    just = str(tools / "bin" / "just")
    os.execve(just, [just, "--justfile", str(CHECKOUT / "justfile"), *arguments], environment)  # noqa: S606


def _make_tools(tools: Path) -> None:
    started = time.monotonic()
    fresh = Path(tempfile.mkdtemp(prefix="tools-", suffix=".part", dir=STATE))
    pip, environment = _pip(fresh)
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--no-compile"]
    command += ["--only-binary", ":all:", "--require-hashes", "--target", str(fresh / "out"), "-r", str(TOOLS_LOCK)]
    # Settings that make sense for the user's own installs, and none here: pip refuses --target beside them.
    _run(
        command,
        {**environment, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"},
        "uv and just could not be fetched",
    )
    for old in STATE.glob("tools-*"):
        if old != fresh:
            shutil.rmtree(old)
    (fresh / "out").chmod(0o755)
    (fresh / "out").rename(tools)
    shutil.rmtree(fresh)
    _say(f"uv and just are in {tools.relative_to(CHECKOUT)} ({time.monotonic() - started:.0f} s)")


def _pip(scratch: Path) -> tuple[list[str], Mapping[str, str]]:
    """A pip to run, and its environment: Python's own, the one that Python carries for venvs, or Debian's, unpacked."""
    if _works([PYTHON, "-m", "pip", "--version"]):
        return [PYTHON, "-m", "pip"], os.environ
    if _works([PYTHON, "-m", "venv", str(scratch / "venv")]):
        return [str(scratch / "venv" / "bin" / "python"), "-m", "pip"], os.environ
    wheel = _pip_of_debian(scratch)
    if wheel is not None:
        return [PYTHON, str(wheel / "pip")], os.environ
    raise BootstrapFailed(
        f"{PYTHON} has neither pip nor venv, and pip could not be fetched.\n"
        "Install it with:  apt-get install -y python3-pip"
    )


def _pip_of_debian(scratch: Path) -> Path | None:
    sys.path.insert(0, str(CHECKOUT))
    from infra.local.apt import AptFailed, PrivateApt

    _say("this Python has no pip: fetching one")
    try:
        apt = PrivateApt(scratch / "apt", overlook="python3-pip-whl")
        apt.update()
        apt.unpack(["python3-pip-whl"], scratch / "pip")
    except AptFailed as error:
        _say(str(error))
        return None
    return next(iter((scratch / "pip" / "usr/share/python-wheels").glob("pip-*.whl")), None)


def _make_environment(uv: Path, stamp: Path) -> None:
    started = time.monotonic()
    environment = _uv_environment()
    half_made = STATE / "environment-half-made"
    if half_made.exists() or _version_of(ENVIRONMENT / "bin" / "python") != sys.version:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    half_made.touch()
    for old in ENVIRONMENT.glob("synced-*"):
        old.unlink()
    if not ENVIRONMENT.exists():
        command = [str(uv), "venv", "--quiet", "--python", PYTHON, "--prompt", "d2r", str(ENVIRONMENT)]
        _run(command, environment, "the environment could not be made")
    _say("installing the pinned packages (the first time: about 500 MB to fetch)")
    python = str(ENVIRONMENT / "bin" / "python")
    command = [str(uv), "pip", "sync", "--require-hashes", "--python", python, str(PACKAGES_LOCK)]
    _run([*command, *([] if sys.stderr.isatty() else ["--quiet"])], environment, "the packages could not be installed")
    stamp.touch()
    half_made.unlink()
    _say(f"the environment is in {ENVIRONMENT.name} ({time.monotonic() - started:.0f} s)")


def _uv_environment() -> dict[str, str]:
    """The user's, completed by pip's settings and by a cache that can be written."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    for name, value in _pip_settings().items():
        if name == "find-links":  # uv stops where pip only warns
            value = ",".join(link for link in value.split() if "://" in link or Path(link).exists())
        elif name == "trusted-host":
            value = ",".join(value.split())
        if name in PIP_TO_UV and value and not (name == "index-url" and "UV_INDEX_URL" in os.environ):
            environment.setdefault(PIP_TO_UV[name], value)
    if "UV_INDEX" in environment and "UV_INDEX" not in os.environ:
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip treats a second index
    if not _has_a_cache(environment):
        environment["UV_CACHE_DIR"] = str(STATE / "cache" / "uv")
    return environment


def _pip_settings() -> dict[str, str]:
    """By pip itself, which knows its files and their order; without pip, from the environment alone."""
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    settings: dict[str, str] = {}
    for line in listed.stdout.splitlines() if listed.returncode == 0 else []:
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section in ("global", "install", ":env:"):
            settings[name] = value.strip("'\"").replace("\\n", " ").strip()
    for name in PIP_TO_UV:
        variable = "PIP_" + name.upper().replace("-", "_")
        if os.environ.get(variable):
            settings[name] = os.environ[variable]
    return settings


def _has_a_cache(environment: Mapping[str, str]) -> bool:
    if environment.get("UV_CACHE_DIR"):
        return True
    folder = environment.get("XDG_CACHE_HOME") or os.path.join(environment.get("HOME", "/nonexistent"), ".cache")
    while not os.path.exists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return os.access(folder, os.W_OK | os.X_OK)


@contextmanager
def _alone() -> Iterator[None]:
    """One bootstrap at a time in this checkout."""
    try:
        STATE.mkdir(exist_ok=True)
        lock = (STATE / "bootstrap.lock").open("a")
    except OSError as error:
        raise BootstrapFailed(f"{CHECKOUT} must be writable for {_user()}: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another ./dev is setting up; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _user() -> str:
    return os.environ.get("USER") or f"user {os.geteuid()}"


def _digest(file: Path) -> str:
    """Of a lock file and the Python that it is installed for."""
    return hashlib.sha256(file.read_bytes() + PYTHON.encode() + sys.version.encode()).hexdigest()[:12]


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _version_of(python: Path) -> str:
    try:
        command = [str(python), "-I", "-c", "import sys; print(sys.version)"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.rstrip("\n")
    except OSError:
        return ""


def _run(command: list[str], environment: Mapping[str, str], complaint: str) -> None:
    if subprocess.run(command, env=dict(environment), check=False, stdin=subprocess.DEVNULL).returncode:
        raise BootstrapFailed(f"{complaint}; the reason stands above. Nothing is half-made: run it again.")


def _say(text: str) -> None:
    print(f"dev: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BootstrapFailed as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        _say("interrupted; run it again to go on")
        sys.exit(130)
