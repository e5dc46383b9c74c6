"""A subgraph's URL -> where to connect, and the constant bytes that each request there begins with.

Takes `http://`, `https://` and `unix:///path/of/socket?path=/graphql`. Refuses everything that would be sent, or left
out, without anybody meaning it: user and password, other schemes, characters that are no URL's.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from gateway.client.errors import UrlUnusable
from gateway.client.request_headers import ACCEPTED

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PORTS = {"http": 80, "https": 443}


class Target(Struct, frozen=True):
    """socket_path: a Unix socket, in place of host and port. head: of a request, up to its own headers."""

    host: str
    port: int
    tls: bool
    socket_path: str | None
    head: bytes


def target_of(subgraph: str, url: str, accepts_compressed: bool = False) -> Target:
    if not url:
        raise UrlUnusable(subgraph, f"it has none; give one with --subgraph {subgraph}=URL or in subgraphs.urls")
    if not _PRINTABLE.fullmatch(url):
        raise UrlUnusable(subgraph, "it has spaces or characters that must be written as %XX (a host: in punycode)")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UrlUnusable(subgraph, str(error)) from error
    if "@" in parts.netloc:
        raise UrlUnusable(
            subgraph, "it holds a user or password, which are not sent; use a header rule with a default instead"
        )
    if parts.scheme == "unix":
        return _unix(subgraph, parts.netloc, parts.path, parts.query, accepts_compressed)
    if parts.scheme not in _PORTS or not host:
        raise UrlUnusable(subgraph, "it must begin with http://HOST, https://HOST or unix:///SOCKET")
    default = _PORTS[parts.scheme]
    named = f"[{host}]" if ":" in host else host
    asked = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = _head(asked, named if port in (None, default) else f"{named}:{port}", accepts_compressed)
    return Target(host, port if port is not None else default, parts.scheme == "https", None, head)


def _unix(subgraph: str, netloc: str, path: str, query: str, accepts_compressed: bool) -> Target:
    asked = parse_qs(query).get("path", ["/graphql"])[0]
    if netloc or not path or not asked.startswith("/") or not _PRINTABLE.fullmatch(asked):
        raise UrlUnusable(subgraph, "a Unix socket is written as unix:///run/graph.sock?path=/graphql")
    return Target("localhost", 0, False, unquote(path), _head(asked, "localhost", accepts_compressed))


def _head(asked: str, host: str, accepts_compressed: bool) -> bytes:
    lines = [
        f"POST {asked} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Accept: {ACCEPTED}",
        f"Accept-Encoding: {'gzip, deflate' if accepts_compressed else 'identity'}",
        # The number itself follows, with the headers of the one request after it.
        "Content-Length: ",
    ]
    return "\r\n".join(lines).encode("ascii")
