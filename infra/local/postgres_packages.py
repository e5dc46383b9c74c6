"""A PostgreSQL with PostGIS to run: the system's own where there is one, else Debian's packages unpacked in the cache.

Out: where its programs are and the environment they need. Refuses with PackagesMissing, naming what to install.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.apt import AptFailed, PrivateApt, fetch_once
from infra.local.errors import PackagesMissing

OLDEST_MAJOR = 14
# Never loaded by the server as we run it (no raster, no JIT, no SFCGAL, no Perl): left out, they would be 300 MB.
PRETENDED = (
    *("libgdal32", "libgdal36", "libllvm14", "libllvm19", "libsfcgal1", "libsfcgal2", "locales", "ssl-cert"),
    *("postgresql-common", "postgresql-client-common", "postgresql-common-dev", "perl", "perl-base", "libjson-perl"),
)
# A copy of our own, even where the system has one of them: versions must fit together.
OVERLOOKED = r"postgres|postgis|pgtap|libtap-parser-sourcehandler-pgtap|lib(proj|geos|pq5|protobuf-c)"
UNUSED = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl5", "usr/include", "usr/share/lintian"),
    *("usr/lib/postgresql/*/lib/bitcode", "usr/share/postgresql/*/extension/postgis_tiger*"),
    "usr/share/postgresql/*/contrib",
)


@dataclass(frozen=True)
class PostgresPrograms:
    folder: Path
    major: int
    environment: Mapping[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.folder / name


def postgres_programs(cache: Path, say: Callable[[str], None]) -> PostgresPrograms:
    return _of_the_system() or _from_packages(cache, say)


def _of_the_system() -> PostgresPrograms | None:
    for folder in _program_folders():
        config = folder / "pg_config"
        if not (folder / "initdb").exists() or not config.exists():
            continue
        shared = Path(_output(config, "--sharedir"))
        major = int(_output(folder / "postgres", "--version").split()[2].split(".")[0])
        if major >= OLDEST_MAJOR and (shared / "extension" / "postgis.control").exists():
            return PostgresPrograms(folder, major)
    return None


def _program_folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    debian = (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    yield from sorted(debian, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), reverse=True)
    yield from (path.parent for path in Path("/usr").glob("pgsql-*/bin/postgres"))


def _output(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def _from_packages(cache: Path, say: Callable[[str], None]) -> PostgresPrograms:
    def make(folder: Path) -> None:
        say("fetching PostgreSQL and PostGIS, once (about 100 MB)")
        started = time.monotonic()
        count = _unpack(folder)
        say(f"PostgreSQL and PostGIS are in {cache}: {count} packages in {time.monotonic() - started:.0f} s")

    try:
        prefix = fetch_once(cache / f"postgres-{os.uname().machine}", make)
    except AptFailed as error:
        instead = "set DATABASE_URL to a PostgreSQL 14 or later that has PostGIS."
        raise PackagesMissing(
            "PostgreSQL with PostGIS", ["postgresql", "postgresql-postgis"], str(error), instead
        ) from error
    major = int((prefix / "major").read_text())
    root = prefix / "root"
    libraries = next((root / "usr/lib").glob("*-linux-gnu*"))
    return PostgresPrograms(
        root / f"usr/lib/postgresql/{major}/bin",
        major,
        {"LD_LIBRARY_PATH": str(libraries), "PROJ_DATA": str(root / "usr/share/proj")},
    )


def _unpack(prefix: Path) -> int:
    root = prefix / "root"
    root.mkdir()
    with tempfile.TemporaryDirectory(dir=prefix) as state:
        apt = PrivateApt(Path(state), PRETENDED, OVERLOOKED)
        apt.update()
        majors = [int(name.split("-")[1]) for name in apt.names(r"^postgresql-[0-9]+-postgis-3$")]
        if not majors:
            raise AptFailed("its package sources know no postgresql-*-postgis-3")
        major = max(majors)
        wanted = [f"postgresql-{major}", f"postgresql-client-{major}", f"postgresql-{major}-postgis-3"]
        count = apt.unpack(wanted, root)
    extensions = root / f"usr/share/postgresql/{major}/extension"
    for control in extensions.glob("*-3.control"):  # Debian's alternatives would have done this at installation
        shutil.copy(control, control.with_name(control.name.replace("-3.control", ".control")))
    for pattern in UNUSED:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (prefix / "major").write_text(str(major))
    return count
