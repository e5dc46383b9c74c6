"""An HTTP request -> the operations that it asks for. Refuses (`BadRequest`, with its status) what is no such request.

POST takes JSON only: a form or plain text, which a foreign page could send unasked, is refused; so is any body without
a content type. GET is for queries; whoever calls sees to it that nothing else runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request

from gateway.errors import ErrorCode, RequestRefused
from gateway.http.whole_exchange import WholeExchange, whole_exchange
from gateway.pipeline import OperationRequest
from gateway.settings import Limits

_GONE = "The client went away."
_one = msgspec.json.Decoder(OperationRequest)
_many = msgspec.json.Decoder(list[OperationRequest])
_object = msgspec.json.Decoder(dict[str, object])


class BadRequest(RequestRefused):
    """Not a GraphQL request; `status` says how HTTP calls it."""

    def __init__(self, message: str, status: int = 400, code: ErrorCode = ErrorCode.BAD_USER_INPUT) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def from_post(request: Request, limits: Limits) -> OperationRequest | list[OperationRequest]:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise BadRequest("Send the request as application/json.", 415)
    if "charset=" in parameters.lower() and "utf-8" not in parameters.lower():
        raise BadRequest("Send the request in UTF-8.", 415)
    body = await _body(request, limits.max_body_bytes)
    if body[:1] == b"[" or body.lstrip()[:1] == b"[":
        return _batch(body, limits.max_batch)
    try:
        return _one.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not a GraphQL request: {error}") from error


def from_get(parameters: Mapping[str, str]) -> OperationRequest:
    query = parameters.get("query")
    if query is None:
        raise BadRequest("The parameter `query` is missing.")
    return OperationRequest(
        query,
        _object_in(parameters, "variables"),
        parameters.get("operationName") or None,
        _object_in(parameters, "extensions"),
    )


def _object_in(parameters: Mapping[str, str], name: str) -> dict[str, object] | None:
    text = parameters.get(name)
    if not text or text == "null":
        return None
    try:
        return _object.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"The parameter `{name}` is not a JSON object.") from error


def _batch(body: bytes, max_batch: int) -> list[OperationRequest]:
    if max_batch == 0:
        raise BadRequest("Batches are not taken here: send one operation a request.")
    try:
        requests = _many.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not a batch of GraphQL requests: {error}") from error
    if not 0 < len(requests) <= max_batch:
        raise BadRequest(f"A batch holds 1 to {max_batch} operations.")
    return requests


def whole_body_of(request: Request) -> WholeExchange | None:
    """What has this request's body, where it has come whole and no layer has it."""
    exchange = whole_exchange(request.scope)
    return exchange if exchange is not None and exchange.gives(request.receive) else None


async def _body(request: Request, max_bytes: int) -> bytes:
    too_large = f"The body has more than {max_bytes} bytes."
    if int(request.headers.get("content-length") or 0) > max_bytes:
        raise BadRequest(too_large, 413)
    if (exchange := whole_body_of(request)) is not None:
        if exchange.has_left:
            raise BadRequest(_GONE)
        body = exchange.body
        if len(body) > max_bytes:
            raise BadRequest(too_large, 413)
        return body
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(_GONE)
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > max_bytes:
            raise BadRequest(too_large, 413)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
