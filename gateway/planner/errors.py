"""What may go wrong in planning.

GatewayError
└── RequestRefused
    ├── PlanTooComplex   the budget ran out before a plan was found
    └── Unreachable      no subgraph can give a field here: the supergraph was not checked for satisfiability
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import ErrorCode, RequestRefused


class PlanTooComplex(RequestRefused):
    """The operation needs more planning than this gateway allows."""

    code = ErrorCode.COST_LIMIT_EXCEEDED

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Planning this operation takes more than {allowed}; ask for less at once.")
        self.allowed = allowed


class Unreachable(RequestRefused):
    """There is no way to these fields; the operation is right, and the supergraph is not."""

    code = ErrorCode.INTERNAL

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(f"No subgraph can give {', '.join(fields)}.")
        self.fields = tuple(fields)
