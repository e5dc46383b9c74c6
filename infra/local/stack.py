"""The embedded stack: PostgreSQL with PostGIS, Valkey and an object store as children, their data in one folder.

In: a data folder and the environment. Out: Endpoints, while the context lasts.
DATABASE_URL, REDIS_URL and S3_ENDPOINT, where set, are used instead of the child they name.
Refuses a data folder that another stack holds (FolderInUse). Nothing listens on the network beyond loopback.
"""

import json
import os
import random
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from infra.local import folders
from infra.local.errors import SettingMissing
from infra.local.keys import Keys, read_or_make
from infra.local.object_store import BUCKET, ObjectStore, kept_ports
from infra.local.postgres import CARELESS, SETTINGS, Postgres
from infra.local.postgres_packages import postgres_programs
from infra.local.processes import Program, Supervisor
from infra.local.valkey import Valkey

CHECKOUT = Path(__file__).resolve().parents[2]
ENDPOINTS_FILE = "endpoints.json"


@dataclass(frozen=True)
class Endpoints:
    """Where the services answer, and with which secrets. `database_url` is the administrator's."""

    database_url: str
    redis_url: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    data: Path

    @property
    def keys(self) -> Keys:
        return Keys(self.data / "keys")

    def environment(self) -> dict[str, str]:
        """As the platform's processes read it."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "S3_ENDPOINT": self.s3_endpoint,
            "S3_ACCESS_KEY": self.s3_access_key,
            "S3_SECRET_KEY": self.s3_secret_key,
            "S3_BUCKET": self.s3_bucket,
            "D2R_DATA": str(self.data),
        }

    def write(self) -> Path:
        """For other processes of the same user; the file appears whole."""
        file = self.data / ENDPOINTS_FILE
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(self) | {"data": str(self.data)}, indent=2))
        return fresh.rename(file)

    @classmethod
    def read(cls, data: Path) -> "Endpoints":
        facts = json.loads((data / ENDPOINTS_FILE).read_text())
        return cls(**(facts | {"data": Path(facts["data"])}))


class Stack:
    """`with Stack(data) as endpoints:`. `careless` is for throw-away data: faster, lost when the machine crashes."""

    def __init__(
        self,
        data: Path,
        environment: Mapping[str, str] = os.environ,
        say: Callable[[str], None] = lambda _: None,
        careless: bool = False,
        dice: random.Random | None = None,
    ) -> None:
        self.data = data.absolute()
        self._environment, self._say, self._careless = environment, say, careless
        self._dice = dice or random.Random(secrets.randbits(64))  # noqa: S311  # picks ports, nothing secret
        self._resources = ExitStack()
        self._supervisor: Supervisor | None = None

    @property
    def supervisor(self) -> Supervisor:
        """Ours, for whoever adds programs that must stop before the stack's own do."""
        assert self._supervisor is not None, "the stack is not running"
        return self._supervisor

    def __enter__(self) -> Endpoints:
        try:
            return self._start()
        except BaseException:
            self._resources.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        started = time.monotonic()
        self._resources.close()
        self._supervisor = None
        self._say(f"stopped in {time.monotonic() - started:.1f} s")

    def _start(self) -> Endpoints:
        started = time.monotonic()
        lock = self._resources.enter_context(folders.hold(self.data))
        for name in ("logs", "run"):
            (self.data / name).mkdir(exist_ok=True, mode=0o700)
        keys = read_or_make(self.data / "keys")
        sockets = folders.socket_folder(self.data)
        self._resources.callback(shutil.rmtree, sockets, ignore_errors=True)
        self._supervisor = self._resources.enter_context(Supervisor(self.data / "run", say=self._say, keep_open=[lock]))
        self._resources.callback((self.data / ENDPOINTS_FILE).unlink, missing_ok=True)
        postgres, valkey, store = self._services(sockets, keys)
        self._supervisor.start_together(_programs([postgres, valkey, store]))
        endpoints = Endpoints(
            database_url=postgres.url() if postgres else self._environment["DATABASE_URL"],
            redis_url=valkey.url() if valkey else self._environment["REDIS_URL"],
            **(_addresses_of(store) if store else _addresses_in(self._environment)),
            data=self.data,
        )
        if postgres:
            postgres.create_database()
        endpoints.write()
        self._say(f"the stack is up in {time.monotonic() - started:.1f} s")
        return endpoints

    def _services(self, sockets: Path, keys: Keys) -> tuple[Postgres | None, Valkey | None, ObjectStore | None]:
        """The children that are wanted: those whose address was not given."""
        given, logs = self._environment, self.data / "logs"
        postgres = valkey = store = None
        if not given.get("DATABASE_URL"):
            programs = postgres_programs(folders.cache_folder(given, CHECKOUT), self._say)
            settings = {**SETTINGS, **(CARELESS if self._careless else {})}
            password = keys.password("postgres")
            postgres = Postgres(programs, self.data / "postgres", sockets, password, logs / "postgres.log", settings)
        if not given.get("REDIS_URL"):
            valkey = Valkey(self.data / "valkey", sockets, keys.password("valkey"), logs / "valkey.log")
        if not given.get("S3_ENDPOINT"):
            ports = kept_ports(self.data / "object-store.ports.json", self._dice)
            access, secret = keys.text("s3.access-key"), keys.text("s3.secret-key")
            store = ObjectStore(self.data / "objects", sockets, access, secret, logs / "object-store.log", ports)
        return postgres, valkey, store


def _programs(services: Iterable[Postgres | Valkey | ObjectStore | None]) -> list[Program]:
    """Made side by side, since making PostgreSQL's creates the cluster the first time."""
    wanted = [service for service in services if service is not None]
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda service: service.program(), wanted))


def _addresses_of(store: ObjectStore) -> dict[str, str]:
    return {
        "s3_endpoint": store.endpoint,
        "s3_access_key": store.access_key,
        "s3_secret_key": store.secret_key,
        "s3_bucket": BUCKET,
    }


def _addresses_in(environment: Mapping[str, str]) -> dict[str, str]:
    needed = ("S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET")
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise SettingMissing("S3_ENDPOINT", missing)
    return {name.lower(): environment[name] for name in ("S3_ENDPOINT", *needed)}


def discard(data: Path) -> None:
    """Delete a stopped stack's data, and its socket folder where a kill left it."""
    shutil.rmtree(folders.socket_folder(data.absolute()), ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
