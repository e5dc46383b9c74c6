"""What a client may learn of a failure: everything in development, else the code, the subgraph and a fixed sentence."""

from __future__ import annotations

from msgspec import Struct

from gateway.errors import ErrorCode
from gateway.execution.response import ResponseError, ResponsePath

_SENTENCES = {
    ErrorCode.UNAUTHENTICATED: "Sign in to see this.",
    ErrorCode.FORBIDDEN: "This is not yours to see or do.",
    ErrorCode.NOT_FOUND: "There is no such thing.",
    ErrorCode.BAD_USER_INPUT: "An argument does not fit.",
    ErrorCode.CONFLICT: "Something changed in between.",
    ErrorCode.RATE_LIMITED: "Too many requests.",
    ErrorCode.SUBGRAPH_UNAVAILABLE: "A part of the graph cannot be reached.",
    ErrorCode.SUBGRAPH_TIMEOUT: "A part of the graph took too long.",
    ErrorCode.CIRCUIT_OPEN: "A part of the graph is resting after failures.",
    ErrorCode.QUOTA_EXCEEDED: "The quota is used up.",
}
# Their sentences are the gateway's own, for operators.
_OURS = frozenset({ErrorCode.INTERNAL, ErrorCode.SUBGRAPH_UNAVAILABLE, ErrorCode.SUBGRAPH_TIMEOUT})
_ALWAYS_PASSED = ("retryAfterMs",)


class Reporting(Struct, frozen=True):
    """`development`: subgraphs' own messages and extensions reach the client.

    `passes_messages`: also outside development, where a subgraph's error has a code of the closed list other than
    INTERNAL: such a sentence was written for clients.
    """

    development: bool = False
    passes_messages: bool = False
    max_errors: int = 1000

    def error(
        self,
        code: ErrorCode,
        message: str,
        path: ResponsePath | None,
        service: str | None,
        trace_id: str,
        given: dict[str, object] | None = None,
    ) -> ResponseError:
        given = given or {}
        shown = given if self.development else {name: given[name] for name in _ALWAYS_PASSED if name in given}
        extensions: dict[str, object] = {name: value for name, value in shown.items() if name != "code"}
        if service is not None:
            extensions["service"] = service
        extensions["traceId"] = trace_id
        return ResponseError(self._sentence(code, message), code, path, extensions=tuple(extensions.items()))

    def _sentence(self, code: ErrorCode, message: str) -> str:
        if self.development or (self.passes_messages and code not in _OURS):
            return message
        return _SENTENCES.get(code, "Something went wrong inside.")


def code_from(extensions: dict[str, object] | None) -> ErrorCode:
    """A subgraph's own code where it is on the closed list, else INTERNAL."""
    given = (extensions or {}).get("code")
    try:
        return ErrorCode(given) if isinstance(given, str) else ErrorCode.INTERNAL
    except ValueError:
        return ErrorCode.INTERNAL
