"""A server that says exactly what a test tells it to, and one client of each kind that asks it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

from gateway.client.http import HttpClient
from gateway.client.wires import trusted_by, wires_of
from gateway.plan.nodes import SubgraphName
from gateway.settings import SubgraphSettings

Kind = Literal["lean", "aiohttp"]
KINDS: list[Kind] = ["lean", "aiohttp"]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, status: str = "200 OK", length: int | str | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode() + body


async def request_in(reader: asyncio.StreamReader) -> bytes:
    """One whole request; nothing at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().split(b"content-length:", 1)[1].split(b"\r\n")[0]
        return head + await reader.readexactly(int(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def serving(talk: Talk, path: str | None = None) -> AsyncIterator[str]:
    """Whatever `talk` does with each connection; the server's URL."""
    running: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            running.discard(task)
            writer.close()

    if path is not None:
        server, url = await asyncio.start_unix_server(serve, path), f"unix://{path}"
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql"
    try:
        yield url
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@contextmanager
def in_a_thread(talk: Talk) -> Iterator[str]:
    """The same with a loop of its own, so that it goes on while the client's loop is busy."""
    began, url, over = threading.Event(), "", asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        nonlocal url
        async with serving(talk) as url:
            began.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert began.wait(5)
        yield url
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@asynccontextmanager
async def client_at(url: str, settings: SubgraphSettings) -> AsyncIterator[HttpClient]:
    async with wires_of(settings, trusted_by(settings)) as wires:
        yield wires.client(SubgraphName("s"), url)
