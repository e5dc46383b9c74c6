"""Results as parts of one multipart answer: events of a subscription, or an answer that comes in pieces.

Events (Apollo's `subscriptionSpec=1.0`): each is a part with `payload`; an empty object is the sign of life; what ends
the stream comes as `errors` beside a null payload. Pieces are parts as they are. A part ends with the boundary after
it, for a client knows only by that boundary that it has all of the part.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from gateway.execution.pieces import Piece
from gateway.execution.response import Response
from gateway.streams.errors import GatewayLeaves

MEDIA_TYPE = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
_encoder = msgspec.json.Encoder()
_BOUNDARY = b"\r\n--graphql"
_HEADER = b"\r\nContent-Type: application/json\r\n\r\n"
_END = b"--\r\n"


def pieces_media_type(parameter: str) -> str:
    return f'multipart/mixed;boundary="graphql";{parameter}'


async def parts_of(results: AsyncGenerator[Response | Piece | None, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield _BOUNDARY + _HEADER + b"{}" + _BOUNDARY
        async for result in results:
            yield _HEADER + (b"{}" if result is None else _encoder.encode(_part(result))) + _BOUNDARY
        yield _END
    except GatewayLeaves:
        # Without the last boundary: to the client that is a connection that broke.
        return
    finally:
        await results.aclose()


async def pieces_of(
    first: Response | Piece, results: AsyncGenerator[Response | Piece | None, None]
) -> AsyncGenerator[bytes, None]:
    """`first`: the one that was waited for already."""
    try:
        yield _BOUNDARY + _HEADER + first.as_bytes() + _BOUNDARY
        async for result in results:
            if result is None:
                # These parts know no sign of life.
                continue
            # What is no piece is what ended them.
            body = result.as_json() if isinstance(result, Piece) else {**result.as_json(), "hasNext": False}
            yield _HEADER + _encoder.encode(body) + _BOUNDARY
        yield _END
    finally:
        await results.aclose()


def only_part(answer: Response | Piece) -> bytes:
    return _BOUNDARY + _HEADER + answer.as_bytes() + _BOUNDARY + _END


def _part(result: Response | Piece) -> dict[str, object]:
    if isinstance(result, Piece) or result.executed:
        return {"payload": msgspec.Raw(result.as_bytes())}
    return {"payload": None, "errors": [error.as_json() for error in result.errors]}
