"""What a request to a subgraph says besides its body: who asks, what is wanted back, and what the rules pass on.

In: a request and the subgraph it goes to. Out: headers that may be written on a wire as they are. Refuses a name that
is no header's, a value that would end its line, and what only the connection itself may say: any of them could turn one
request into two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from gateway.client.errors import HeaderRefused
from gateway.client.protocol import HeaderExchange, SubgraphRequest, WireRequest
from gateway.plan.nodes import SubgraphName

CALLER_TOKEN_HEADER = "Caller-Token"  # noqa: S105 - the header's name, no secret
TRACE_HEADER = "X-Trace-Id"
ACCEPTED = "application/graphql-response+json, application/json;q=0.9"

Pair = tuple[str, str]
Pairs = Sequence[Pair]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Characters past Latin-1 have no bytes of their own in a header.
_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def headers_for(subgraph: SubgraphName, request: SubgraphRequest | WireRequest, passed: Pairs) -> list[Pair]:
    """All of them, as pairs."""
    headers = [("Accept", ACCEPTED)]
    if request.caller_token is not None:
        headers.append((CALLER_TOKEN_HEADER, sendable(subgraph, CALLER_TOKEN_HEADER, request.caller_token)))
    if request.trace_id is not None:
        headers.append((TRACE_HEADER, sendable(subgraph, TRACE_HEADER, request.trace_id)))
    return [*headers, *((_checked(subgraph, name), sendable(subgraph, name, value)) for name, value in passed)]


def own_lines(subgraph: SubgraphName, request: WireRequest, passed: Pairs) -> bytes:
    """What differs from one request to the next, as bytes: a line end stands before each header and none at the end."""
    lines = _caller_lines(request.caller_token, request.trace_id)
    if lines is None:
        headers = headers_for(subgraph, request, passed)[1:]
        return "".join([f"\r\n{name}: {value}" for name, value in headers]).encode("latin-1")
    for name, value in passed:
        line = f"\r\n{_checked(subgraph, name)}: {sendable(subgraph, name, value)}"
        lines += line.encode("latin-1")
    return lines


# An operation has several requests, and one token goes with all requests of its caller for a while.
@lru_cache(1024)
def _caller_lines(token: str | None, trace_id: str | None) -> bytes | None:
    """None: one of them is not to be sent as it is."""
    lines = ""
    for name, value in ((CALLER_TOKEN_HEADER, token), (TRACE_HEADER, trace_id)):
        if value is not None:
            if not _is_plain(value):
                return None
            lines += f"\r\n{name}: {value}"
    return lines.encode("ascii")


def passed_headers(subgraph: SubgraphName, exchange: HeaderExchange | None) -> Pairs:
    return () if exchange is None else exchange.to_subgraph(subgraph)


def sendable(subgraph: SubgraphName, name: str, value: str) -> str:
    # Nearly all are plain; the pattern costs five times as much to ask.
    if not _is_plain(value) and _UNSENDABLE.search(value):
        raise HeaderRefused(subgraph, name, "its value has a line break or another character that no header may have")
    return value


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()


# A gateway passes the same few names all day; what a client may make up is soon forgotten.
@lru_cache(1024)
def _checked(subgraph: SubgraphName, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise HeaderRefused(subgraph, name, "that is no header's name")
    if name.lower() in _OF_THE_CONNECTION:
        raise HeaderRefused(subgraph, name, "only the gateway's own connection to the subgraph may say that")
    return name
