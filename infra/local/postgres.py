"""PostgreSQL as a child: a cluster with a generated password, reached by a unix socket only.

In: the programs, the data folder, the socket folder. Out: a Program to run, and the superuser's URL.
PostgreSQL refuses to run as root, so root becomes "nobody": in a user namespace where the kernel allows it (nothing has
to change hands), else by switching the user and giving the cluster's folder to it.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from infra.local import guard
from infra.local.errors import DidNotStart
from infra.local.postgres_packages import PostgresPrograms
from infra.local.processes import Program

DATABASE = "d2r"
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "jit": "off",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For throw-away data (tests): a crash of the machine may lose it, a crash of the process does not.
CARELESS: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    programs: PostgresPrograms
    data: Path
    sockets: Path
    password: str
    log: Path
    settings: Mapping[str, str] = field(default_factory=lambda: SETTINGS)

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://postgres:{quote(self.password)}@/{database}?host={quote(str(self.sockets))}"

    def program(self) -> Program:
        nobody = how_to_be_nobody()
        if nobody == "user":
            self.data.parent.chmod(0o711)  # to pass through, not to look into
            os.chown(self.sockets, guard.NOBODY, guard.NOBODY)
        self._create_cluster(nobody)
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value.strip(chr(39))}")]
        return Program(
            name="postgres",
            command=[self.programs.path("postgres"), "-D", self.data, "-k", self.sockets, *options],
            folder=self.data,
            log=self.log,
            ready=self._is_ready,
            environment=self.programs.environment,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            parent_death_signal=signal.SIGQUIT,  # "immediate": its own children go with it
            as_nobody=nobody,
            kill_group=False,  # it ends its children itself, and they must not be cut down while they write
            before_start=self._tidy,
        )

    def create_database(self) -> None:
        """The platform's database, empty but for PostGIS; PostgreSQL must be running."""
        if self._ask("postgres", f"select 1 from pg_database where datname = '{DATABASE}'") != "1":  # noqa: S608
            self._ask("postgres", f"create database {DATABASE}")
        self._ask(DATABASE, "create extension if not exists postgis")

    def _ask(self, database: str, statement: str) -> str:
        quiet = ("-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1")
        command: Sequence[str | Path] = [self.programs.path("psql"), *quiet, "-c", statement]
        where = {"PGHOST": str(self.sockets), "PGUSER": "postgres", "PGDATABASE": database, "PGPASSWORD": self.password}
        environment = {**os.environ, **self.programs.environment, **where}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DidNotStart("postgres", done.stderr.strip(), self.log, "")
        return done.stdout.strip()

    def _create_cluster(self, nobody: Literal["", "namespace", "user"]) -> None:
        """Made beside its place and renamed, so that a kill in the middle leaves nothing half-made."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = fresh.with_name("postgres.password.new")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if nobody == "user":
            for path in (fresh, password_file):
                os.chown(path, guard.NOBODY, guard.NOBODY)
        initdb: Sequence[str | Path] = [
            *(self.programs.path("initdb"), "-D", fresh, "-U", "postgres", "-A", "scram-sha-256"),
            *("--pwfile", password_file, "-E", "UTF8", "--locale=C", "--no-sync"),
        ]
        hint = "\nAs root it runs as nobody, who must be able to reach it; run as an ordinary user or set DATABASE_URL."
        hint = hint if nobody == "user" else ""
        try:
            done = subprocess.run(
                initdb,
                env={**os.environ, **self.programs.environment},
                preexec_fn=lambda: guard.become_nobody(nobody),
                capture_output=True,
                text=True,
                check=False,
            )
        except PermissionError as error:
            raise DidNotStart("postgres", f"{error}{hint}", self.log, "") from error
        password_file.unlink()
        if done.returncode:
            reason = f"initdb ended with status {done.returncode}{hint}"
            raise DidNotStart("postgres", reason, self.log, done.stderr[-2000:])
        fresh.rename(self.data)

    def _is_ready(self) -> bool:
        command: Sequence[str | Path] = [self.programs.path("pg_isready"), "-q", "-h", self.sockets]
        return subprocess.run(command, env={**os.environ, **self.programs.environment}, check=False).returncode == 0

    def _tidy(self) -> None:
        """Remove a dead server's pid file, but only if its pid now belongs to something else.

        A live PostgreSQL is left alone (its own check then refuses), and so is one that is still going down.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            pid = pid_file.read_text().split("\n", 1)[0]
            name = Path(f"/proc/{pid}/comm")
            if name.exists() and name.read_text().strip() != "postgres":
                pid_file.unlink()
                (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def how_to_be_nobody() -> Literal["", "namespace", "user"]:
    if os.geteuid() != 0:
        return ""
    return "namespace" if guard.namespaces_work() else "user"
