"""How this gateway reaches subgraphs over the network: what is open while it runs, and a client for each of them.

In: settings. Out: clients that share connections by subgraph, also across supergraphs. Refuses authorities that cannot
be read and addresses that no client can take, before anything is sent.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from msgspec import Struct

from gateway.client.errors import UrlUnusable
from gateway.client.http import HttpClient, Streaming
from gateway.client.lean.client import LeanSettings, LeanTransport
from gateway.plan.nodes import SubgraphName
from gateway.settings import SubgraphSettings


class Wires(Struct, frozen=True):
    """lean: what plain requests go by; None: they go by the session, too."""

    settings: SubgraphSettings
    session: aiohttp.ClientSession
    lean: LeanTransport | None

    def client(self, name: SubgraphName, url: str) -> HttpClient:
        settings = self.settings
        timeout_s, most = settings.timeouts_s.get(name, settings.timeout_s), settings.max_answer_bytes
        protocol = settings.stream_protocols.get(name, settings.stream_protocol)
        streaming = Streaming(protocol, settings.stream_silence_s)
        if url.startswith("unix:") and self.lean is None:
            raise UrlUnusable(name, 'only the lean client reaches a Unix socket; set subgraphs.client = "lean"')
        wire = self.lean.client(name, url, timeout_s, most) if self.lean is not None else None
        return HttpClient(name, url, self.session, timeout_s, most, streaming, wire)


@asynccontextmanager
async def wires_of(settings: SubgraphSettings, trusted: ssl.SSLContext | None) -> AsyncIterator[Wires]:
    """`trusted`: as `trusted_by` said."""
    lean = None
    if settings.client == "lean":
        lean = LeanTransport(
            LeanSettings(settings.max_connections, settings.keep_idle_s, settings.accepts_compressed, trusted)
        )
    async with _session(settings, trusted) as session:
        try:
            yield Wires(settings, session, lean)
        finally:
            if lean is not None:
                await lean.close()


def trusted_by(settings: SubgraphSettings) -> ssl.SSLContext | None:
    """Who may sign the certificates of subgraphs; None: whom the system trusts."""
    if settings.ca_file is None:
        return None
    trust = ssl.create_default_context()
    try:
        trust.load_verify_locations(settings.ca_file)
    except OSError as error:
        raise ValueError(f"subgraphs.ca_file {settings.ca_file} cannot be read as PEM certificates: {error}") from error
    return trust


def _session(settings: SubgraphSettings, trusted: ssl.SSLContext | None) -> aiohttp.ClientSession:
    # A pool for each subgraph: a slow one cannot take the connections of the others.
    connector = aiohttp.TCPConnector(
        limit=0, limit_per_host=settings.max_connections, keepalive_timeout=settings.keep_idle_s, ssl=trusted or True
    )
    # No limit for a whole request here: each client sets its own, and a stream has none. No cookies between subgraphs.
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "gzip, deflate" if settings.accepts_compressed else "identity"},
        auto_decompress=True,
    )
