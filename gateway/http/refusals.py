"""A `RequestRefused` -> the response that says so, and the HTTP status it goes out with."""

from __future__ import annotations

from gateway.errors import ErrorCode, OperationInvalid, Overloaded, RequestRefused, Unauthenticated, Unauthorised
from gateway.execution.response import Response, ResponseError
from gateway.http.negotiation import JSON
from gateway.http.reading import BadRequest

_MOST_PLACES = 20
"""Of one error: a name may be wrong in a thousand places."""


def refusal(error: RequestRefused) -> Response:
    if isinstance(error, Unauthorised):
        denied = [ResponseError(str(error), error.code, path) for path in error.paths]
        return Response(errors=denied, executed=False)
    if not isinstance(error, OperationInvalid):
        return Response(errors=(ResponseError(str(error), error.code, extensions=error.told),), executed=False)
    errors = [
        ResponseError(
            each.message,
            error.code,
            locations=tuple((place.line, place.column) for place in (each.locations or ())[:_MOST_PLACES]),
        )
        for each in error.errors
    ]
    return Response(errors=errors, executed=False)


def status_of(error: RequestRefused, media_type: str) -> int:
    if isinstance(error, BadRequest):
        return error.status
    if isinstance(error, Unauthenticated):
        return 401
    if isinstance(error, Overloaded):
        return 503
    # Clients of the older media type read a GraphQL answer only under 200 (GraphQL over HTTP, 6.4.1).
    if media_type == JSON:
        return 200
    if isinstance(error, Unauthorised):
        return 403
    return 500 if error.code is ErrorCode.INTERNAL else 400
