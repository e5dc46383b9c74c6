"""The gateways that are measured: how each is started, who may ask it, and what it lacks where it cannot be started."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey
from msgspec import Struct

from gateway.settings import Settings, SubgraphSettings

PEERS = Path(__file__).parent / "peers"
INSTALL = "./dev bench-peers (Node, npm, 900 MB)"
CALLERS = 50
warnings.filterwarnings("ignore", category=SecurityWarning, message="EdDSA is deprecated")

COMPLETE: dict[str, Any] = {
    "tokens": {"jwks": "{folder}/keys.json", "algorithms": ["EdDSA"], "issuer": "bench", "audience": "graph"},
    "subgraphs": {"caller_key": "{folder}/caller.pem", "guards": {"shares": False}},
    "rate_limits": {"caller": {"requests": 100_000, "per_s": 1.0}},
    "http": {"shedding": {"enabled": True}},
    "cost": {"mode": "enforce"},
    "access": {"mode": "filter"},
    "telemetry": {"access_log": "{folder}/access.log", "metrics": {"port": 0}},
}
"""Everything on but tracing: what the gateway at hand does not know yet is left out, and said."""
TRACED: dict[str, Any] = {
    **COMPLETE,
    "telemetry": {**COMPLETE["telemetry"], "tracing": {"endpoint": "{collector}", "ratio": 0.01}},
}
"""One request in a hundred; a collector on the subgraphs' core takes its spans and forgets them."""
ASKING_AGAIN: dict[str, Any] = {**COMPLETE, "asks_again": True}
"""As complete, but what a subgraph told of an object before is asked for by key, as other gateways do."""
BARE: dict[str, Any] = {
    "subgraphs": {"guards": {"shares": False}},
    "http": {"shedding": {"enabled": False}},
    "cost": {"mode": "off"},
}
"""What a gateway must do, and nothing else."""
SHARED: dict[str, Any] = {**BARE, "subgraphs": {"guards": {"shares": True}}}
"""Nobody signs in, as with the peers: then identical requests to subgraphs are of one caller, and may be one."""


@dataclass(frozen=True)
class Contender:
    """One gateway, with its settings.

    command: from a port and a folder in which `supergraph.graphql` lies. shares: identical requests under way are one.
    signs_in: each connection has a caller of its own. hosts: its subgraphs live in it, with one author's data.
    lacks: why it cannot be started, and what to do about that.
    """

    name: str
    command: Callable[[int, Path], list[str]]
    shares: bool = False
    signs_in: bool = False
    hosts: bool = False
    lacks: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def contenders(folder: Path, collector: str) -> list[Contender]:
    """Ours and the peers, in the order of the table. Keys and configurations are written to the folder.

    collector: the URL of one that takes spans.
    """
    write_keys(folder)
    found = [
        Contender("ours, complete", _ours(folder, "complete", COMPLETE), signs_in=True),
        Contender("ours, asking again", _ours(folder, "again", ASKING_AGAIN), signs_in=True),
        Contender("ours, traced", _ours(folder, "traced", TRACED, collector), signs_in=True),
        Contender("ours, bare", _ours(folder, "bare", BARE)),
    ]
    if not left_out(SHARED["subgraphs"], SubgraphSettings):
        found.append(Contender("ours, shared", _ours(folder, "shared", SHARED), shares=True))
    found.append(Contender("ours, in process", _in_process, hosts=True))
    for name, rust, shares in (
        ("Hive Gateway", False, False),
        ("Hive Gateway, shared", False, True),
        ("Hive Rust", True, False),
        ("Hive Rust, shared", True, True),
    ):
        environment = {"SHARED": str(int(shares))}
        package = "router-runtime" if rust else "gateway"
        found.append(
            Contender(name, _hive(rust), shares, lacks=_lacks(f"@graphql-hive/{package}"), environment=environment)
        )
    found.append(Contender("Apollo Gateway", _apollo, lacks=_lacks("@apollo/gateway")))
    found.append(Contender("no gateway", _ready_made, hosts=True))
    return found


def left_out(settings: dict[str, Any], kind: type[Struct]) -> list[str]:
    """Settings that the gateway at hand does not have, by their names with dots between."""
    found, known = [], get_type_hints(kind)
    for name, value in settings.items():
        if name not in known:
            found.append(name)
        elif isinstance(value, dict):
            found += [f"{name}.{each}" for each in left_out(value, _table(known[name]))]
    return found


def fitting(settings: dict[str, Any], kind: type[Struct]) -> dict[str, Any]:
    """The others."""
    known = get_type_hints(kind)
    return {
        name: fitting(value, _table(known[name])) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name in known
    }


def _table(hint: Any) -> type[Struct]:
    """Of a setting that is a table, perhaps an optional one."""
    (found,) = [each for each in (hint, *get_args(hint)) if isinstance(each, type) and issubclass(each, Struct)]
    return found


def _ours(folder: Path, name: str, settings: dict[str, Any], collector: str = "") -> Callable[[int, Path], list[str]]:
    file = folder / f"{name}.toml"
    known = {"{folder}": str(folder), "{collector}": collector}
    file.write_text("\n".join(_lines(fitting(settings, Settings), "", known)))

    def command(port: int, folder: Path) -> list[str]:
        given = ["--supergraph", str(folder / "supergraph.graphql"), "--config", str(file), "--port", str(port)]
        return [sys.executable, "-m", "gateway", "serve", *given]

    return command


def _lines(settings: dict[str, Any], above: str, known: Mapping[str, str]) -> list[str]:
    """TOML, every name written out."""
    found = []
    for name, value in settings.items():
        if isinstance(value, dict):
            found += _lines(value, f"{above}{name}.", known)
        else:
            text = msgspec.json.encode(value).decode()
            for mark, meant in known.items():
                text = text.replace(mark, meant)
            found.append(f"{above}{name} = {text}")
    return found


def _in_process(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.bench.gateway.in_process", str(folder / "supergraph.graphql"), str(port)]


def _ready_made(port: int, _: Path) -> list[str]:
    return [sys.executable, "-m", "tests.bench.gateway.subgraph_server", str(port)]


def _hive(rust: bool) -> Callable[[int, Path], list[str]]:
    def command(port: int, folder: Path) -> list[str]:
        program = PEERS / "node_modules" / "@graphql-hive" / "gateway" / "dist" / "bin.js"
        given = ["supergraph", str(folder / "supergraph.graphql"), "--port", str(port), "--host", "127.0.0.1"]
        given += ["--config-path", str(PEERS / "gateway.config.js")]
        return [node(), str(program), *given, *(["--hive-router-runtime"] if rust else [])]

    return command


def _apollo(port: int, folder: Path) -> list[str]:
    return [node(), str(PEERS / "apollo.js"), str(folder / "supergraph.graphql"), str(port)]


def node() -> str:
    """The Node that was installed with the peers, since Hive Gateway asks for a newer one than many have; else any."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
    own = PEERS / "node_modules" / f"node-linux-{machine}" / "bin" / "node"
    return str(own) if os.access(own, os.X_OK) else shutil.which("node") or "node"


def _lacks(package: str) -> str | None:
    if not (PEERS / "node_modules" / package).exists():
        return f"{package} is not installed: {INSTALL}"
    return None if shutil.which(node()) else "there is no Node"


def write_keys(folder: Path) -> None:
    """The key that callers' tokens are signed with, and the gateway's own for subgraphs."""
    key = OKPKey.generate_key("Ed25519", {"kid": "bench"})
    (folder / "keys.json").write_bytes(msgspec.json.encode({"keys": [key.as_dict(private=False)]}))
    (folder / "caller.pem").write_bytes(OKPKey.generate_key("Ed25519").as_pem(private=True))
    tokens = []
    for caller in range(CALLERS):
        claims = {"iss": "bench", "aud": "graph", "sub": f"caller-{caller}", "exp": int(time.time()) + 86_400}
        claims |= {"tenant": f"tenant-{caller % 5}", "roles": ["ENGINEER"]}
        tokens.append(jwt.encode({"alg": "EdDSA", "kid": "bench"}, claims, key, algorithms=["EdDSA"]))
    (folder / "tokens.txt").write_text("\n".join(tokens))
