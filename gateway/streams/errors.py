"""What may be wrong with what a client asks of a live stream, and how all of them end.

GatewayError
├── GatewayLeaves     the gateway ends, and every stream with it
└── RequestRefused
    └── RateRefused   a rate was asked that the field cannot keep
"""

from __future__ import annotations

from gateway.errors import GatewayError, RequestRefused


class GatewayLeaves(GatewayError):
    """The stream is neither complete nor broken: whoever subscribes again goes on, at another gateway."""


class RateRefused(RequestRefused):
    """`extensions.delivery.maxRate` is no positive number, or the field has no rate."""
