"""What may be wrong with a supergraph.

GatewayError
└── SupergraphInvalid   the text is not a composed Federation v2 schema that this gateway can serve
"""

from __future__ import annotations

from gateway.errors import GatewayError


class SupergraphInvalid(GatewayError):
    """The supergraph cannot be served; the reason says which part is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The supergraph cannot be served: {reason}")
        self.reason = reason
