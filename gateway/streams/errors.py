"""What may be wrong with what a client asks of a live stream.

GatewayError
└── RequestRefused
    └── RateRefused   a rate was asked that the field cannot keep
"""

from __future__ import annotations

from gateway.errors import RequestRefused


class RateRefused(RequestRefused):
    """`extensions.delivery.maxRate` is no positive number, or the field has no rate."""
