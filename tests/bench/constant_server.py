"""`python -m tests.bench.constant_server PORT BYTES`: one answer to every request, at the least cost of its own."""

from __future__ import annotations

import asyncio
import sys

import uvloop


class Constant(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(b"\r\n\r\n")) >= 0:
            head = self._heard[:end].lower()
            at = head.find(b"content-length: ")
            length = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._heard) < end + 4 + length:
                return
            self._heard = self._heard[end + 4 + length :]
            self._transport.write(self._answer)  # type: ignore[attr-defined]


async def main(port: int, size: int) -> None:
    body = b'{"data":{"x":"' + b"x" * (size - 17) + b'"}}'
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/graphql-response+json; charset=utf-8\r\n"
        b"Content-Length: %d\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n\r\n" % len(body)
    )
    server = await asyncio.get_running_loop().create_server(lambda: Constant(head + body), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
