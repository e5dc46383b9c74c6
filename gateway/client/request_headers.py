"""What a request to a subgraph says besides its body: who asks, what is wanted back, and what the rules pass on.

In: a request and the subgraph it goes to. Out: headers that may be written on a wire as they are. Refuses a name that
is no header's, a value that would end its line, and what only the connection itself may say: any of them could turn one
request into two.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.client.errors import HeaderRefused
from gateway.client.protocol import HeaderExchange, SubgraphRequest, WireRequest
from gateway.plan.nodes import SubgraphName

CALLER_TOKEN_HEADER = "Caller-Token"  # noqa: S105 - the header's name, no secret
TRACE_HEADER = "X-Trace-Id"
ACCEPTED = "application/graphql-response+json, application/json;q=0.9"

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Characters past Latin-1 have no bytes of their own in a header.
_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def headers_for(subgraph: SubgraphName, request: SubgraphRequest | WireRequest) -> list[tuple[str, str]]:
    return [("Accept", ACCEPTED), *own_headers(subgraph, request)]


def own_headers(subgraph: SubgraphName, request: SubgraphRequest | WireRequest) -> list[tuple[str, str]]:
    """What differs from one request to the next."""
    headers: list[tuple[str, str]] = []
    if request.caller_token is not None:
        headers.append((CALLER_TOKEN_HEADER, _token(subgraph, request.caller_token)))
    if request.trace_id is not None:
        headers.append((TRACE_HEADER, sendable(subgraph, TRACE_HEADER, request.trace_id)))
    if request.headers is not None:
        headers += passed_headers(subgraph, request.headers)
    return headers


def passed_headers(subgraph: SubgraphName, exchange: HeaderExchange) -> list[tuple[str, str]]:
    return [
        (_checked(subgraph, name), sendable(subgraph, name, value)) for name, value in exchange.to_subgraph(subgraph)
    ]


# One token goes with all requests of its caller for a while.
@lru_cache(1024)
def _token(subgraph: SubgraphName, token: str) -> str:
    return sendable(subgraph, CALLER_TOKEN_HEADER, token)


def sendable(subgraph: SubgraphName, name: str, value: str) -> str:
    # Nearly all are plain; the pattern costs five times as much to ask.
    if not (value.isascii() and value.isprintable()) and _UNSENDABLE.search(value):
        raise HeaderRefused(subgraph, name, "its value has a line break or another character that no header may have")
    return value


# A gateway passes the same few names all day; what a client may make up is soon forgotten.
@lru_cache(1024)
def _checked(subgraph: SubgraphName, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise HeaderRefused(subgraph, name, "that is no header's name")
    if name.lower() in _OF_THE_CONNECTION:
        raise HeaderRefused(subgraph, name, "only the gateway's own connection to the subgraph may say that")
    return name
