"""How one subgraph request comes to nothing. Clients learn code and subgraph; the sentence is for operators.

SubgraphFailed
├── Unreachable       no connection, or it broke
├── HeaderRefused     a header that may not be sent: the request did not go out
├── TimedOut          no whole answer within the subgraph's time
├── RefusedByStatus   an HTTP status and no GraphQL answer with it
├── AnswerTooLarge    more bytes than allowed
├── AnswerMalformed   bytes that are no GraphQL answer
├── StreamBroken      a subscription's stream ended other than by its own word
├── CircuitOpen       not asked: it has failed too often of late
└── QueueFull         not asked: too many requests wait for it already

UrlUnusable           before any request: the address of a subgraph is none that a client can take
"""

from __future__ import annotations

from gateway.errors import ErrorCode, GatewayError, SubgraphFailed


class Unreachable(SubgraphFailed):
    def __init__(self, subgraph: str, reason: str) -> None:
        super().__init__(f"Subgraph {subgraph} cannot be reached: {reason}.")


class HeaderRefused(SubgraphFailed):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, subgraph: str, name: str, reason: str) -> None:
        super().__init__(f"The header {name!r:.80} was not sent to subgraph {subgraph}: {reason}.")
        self.name = name


class TimedOut(SubgraphFailed):
    code = ErrorCode.SUBGRAPH_TIMEOUT

    def __init__(self, subgraph: str, timeout_s: float) -> None:
        super().__init__(f"Subgraph {subgraph} did not answer within {timeout_s:g} s.")


class RefusedByStatus(SubgraphFailed):
    def __init__(self, subgraph: str, status: int) -> None:
        super().__init__(f"Subgraph {subgraph} answered with HTTP status {status} and no GraphQL answer.")
        self.status = status


class AnswerTooLarge(SubgraphFailed):
    def __init__(self, subgraph: str, allowed_bytes: int) -> None:
        super().__init__(f"Subgraph {subgraph} sent more than {allowed_bytes} bytes.")


class AnswerMalformed(SubgraphFailed):
    def __init__(self, subgraph: str, reason: str) -> None:
        super().__init__(f"Subgraph {subgraph} did not send a GraphQL answer: {reason}.")


class StreamBroken(SubgraphFailed):
    def __init__(self, subgraph: str, reason: str) -> None:
        super().__init__(f"The event stream of subgraph {subgraph} broke: {reason}.")


class UrlUnusable(GatewayError):
    """Says nothing of the address itself: it may hold a password."""

    def __init__(self, subgraph: str, reason: str) -> None:
        super().__init__(f"The URL of subgraph {subgraph} cannot be used: {reason}.")


class CircuitOpen(SubgraphFailed):
    def __init__(self, subgraph: str) -> None:
        super().__init__(f"Subgraph {subgraph} has failed too often of late and is left alone for a while.")


class QueueFull(SubgraphFailed):
    def __init__(self, subgraph: str, waiting: int) -> None:
        super().__init__(f"Subgraph {subgraph} is not asked: {waiting} requests wait for it already.")
