"""Events of a subscription as parts of one multipart answer (Apollo's `subscriptionSpec=1.0`).

Each event is a part with `payload`; an empty object is the sign of life; what ends the stream comes as `errors` beside
a null payload.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from gateway.execution.response import Response

MEDIA_TYPE = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
_encoder = msgspec.json.Encoder()
_BEGIN = b"\r\n--graphql\r\nContent-Type: application/json\r\n\r\n"
_END = b"\r\n--graphql--\r\n"


async def parts_of(results: AsyncGenerator[Response | None, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield _BEGIN + b"{}"
        async for result in results:
            yield _BEGIN + (b"{}" if result is None else _encoder.encode(_part(result)))
        yield _END
    finally:
        await results.aclose()


def _part(result: Response) -> dict[str, object]:
    if result.executed:
        return {"payload": msgspec.Raw(result.as_bytes())}
    return {"payload": None, "errors": [error.as_json() for error in result.errors]}
