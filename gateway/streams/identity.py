"""What makes two subscriptions identical, so that one stream serves both.

In: a request that may run, and who asks. Out: a `StreamKey`, equal for identical ones; None for what is never shared
(variables that JSON cannot say, files for one). Tenants never share; callers only where the field says so and no other
subgraph is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from gateway.client.protocol import HeaderExchange
from gateway.execution.caller import Caller, Principal
from gateway.operation.authorise import Demands
from gateway.override_labels import Labels
from gateway.pipeline import Ready
from gateway.plan.nodes import Subscribe
from gateway.streams.selection import Delivered
from gateway.supergraph.model import Share

_TRACE_CONTEXT = ("traceparent", "tracestate")


class StreamKey(Struct, frozen=True):
    """`headers`: those that pass on to subgraphs. `principal` is None where any caller of the tenant may share.

    met: of what the operation demands, so that nobody sees by another's rights.
    """

    document: str
    operation_name: str | None
    variables: bytes
    labels: Labels
    delivered: Delivered
    headers: tuple[tuple[str, str], ...]
    tenant: str | None
    principal: Principal | None
    met: Demands


def stream_key(ready: Ready, caller: Caller) -> StreamKey | None:
    try:
        variables = msgspec.json.encode(ready.variables, order="deterministic")
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    principal = caller.principal
    tenant = principal.tenant if principal is not None else None
    return StreamKey(
        ready.request.query,
        ready.request.operation_name or None,
        variables,
        ready.labels,
        ready.delivered,
        tuple(_headers(caller.headers, ready)),
        tenant,
        None if tenant is not None and _is_the_tenants(ready) else principal,
        ready.access.met(ready.demands),
    )


def _is_the_tenants(ready: Ready) -> bool:
    """Another subgraph's fields may be each caller's own: the directive speaks for the field's subgraph only."""
    node = ready.plan.node
    return ready.delivered.rule.share is Share.TENANT and isinstance(node, Subscribe) and node.rest is None


def _headers(exchange: HeaderExchange | None, ready: Ready) -> Iterator[tuple[str, str]]:
    """What goes with requests besides the caller's token. A trace's context always differs, and changes nothing."""
    if exchange is None:
        return
    for subgraph in sorted(ready.pipeline.subgraphs):
        for name, value in exchange.to_subgraph(subgraph):
            if name.lower() not in _TRACE_CONTEXT:
                yield f"{subgraph} {name}", value
