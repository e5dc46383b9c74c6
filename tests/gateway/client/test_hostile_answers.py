"""Answers that no server should give, to both clients: what each makes of them, and that the connection is not kept.

Where two outcomes stand, the first is the lean client's, which is the stricter of the two: it takes no answer that two
readers could take for different ones.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from gateway.client.carrying import awaited
from gateway.client.errors import AnswerTooLarge, TimedOut, Unreachable
from gateway.client.http import HttpClient
from gateway.client.protocol import WireRequest
from gateway.errors import SubgraphFailed
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import KINDS, Kind, client_at, request_in, serving

BODY = b'{"data":{"x":1}}'
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 16\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ZIPPED = gzip.compress(BODY)
Outcome = bytes | type[SubgraphFailed]
# By aiohttp, for some answer.
TAKEN = b"taken"


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def coded(coding: str, body: bytes) -> bytes:
    return OK + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


# Those after which another request may follow on the connection.
GOOD: dict[str, tuple[bytes, bytes]] = {
    "a length": (OK + LENGTH + b"\r\n" + BODY, BODY),
    "no reason phrase": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + BODY, BODY),
    "another status": (b"HTTP/1.1 500 Oh\r\n" + LENGTH + b"\r\n" + BODY, BODY),
    "chunks": (OK + CHUNKED + b"\r\n" + chunks(BODY[:3], BODY[3:]), BODY),
    "chunks with extensions and trailers": (
        OK + CHUNKED + b"\r\n3;a=b\r\n" + BODY[:3] + b"\r\nD;c\r\n" + BODY[3:] + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
        BODY,
    ),
    "gzip": (coded("gzip", ZIPPED), BODY),
    "gzip in chunks": (OK + CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunks(ZIPPED[:5], ZIPPED[5:]), BODY),
    "deflate": (coded("deflate", zlib.compress(BODY)), BODY),
    "deflate without a frame": (coded("deflate", raw_deflate(BODY)), BODY),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + b"\r\n" + BODY, BODY),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + LENGTH + b"\r\n" + BODY, BODY),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "304 with the length of what it does not send": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", b""),
    "a redirection": (b"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", b""),
}

# What the server says, whether it then hangs up, and what comes of it.
ENDED: dict[str, tuple[bytes, bool, Outcome] | tuple[bytes, bool, Outcome, Outcome]] = {
    "the end of the connection": (OK + b"\r\n" + BODY, True, BODY),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n" + BODY, True, BODY),
    "HTTP/1.0 without a length": (b"HTTP/1.0 200 OK\r\n\r\n" + BODY, True, BODY),
    "HTTP/1.0 in chunks": (b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n" + chunks(BODY), True, Unreachable, BODY),
    "connection: close": (OK + LENGTH + b"Connection: close\r\n\r\n" + BODY, False, BODY),
    "close among other words": (OK + LENGTH + b"Connection: Foo, CLOSE\r\n\r\n" + BODY, False, BODY, TAKEN),
    "nothing, hung up": (b"", True, Unreachable),
    "nothing": (b"", False, TimedOut),
    "half a head": (OK + b"Content-Le", True, Unreachable),
    "half a head, and silence": (OK + b"Content-Le", False, TimedOut),
    "half a body": (OK + LENGTH + b"\r\n" + BODY[:5], True, Unreachable),
    "a head and silence": (OK + LENGTH + b"\r\n", False, TimedOut),
    "half a chunk": (OK + CHUNKED + b"\r\n10\r\n" + BODY[:4], True, Unreachable),
    "no last chunk": (OK + CHUNKED + b"\r\n10\r\n" + BODY + b"\r\n", True, Unreachable),
    "a length too long": (OK + b"Content-Length: 500\r\n\r\n" + BODY, True, Unreachable),
    "a length too short": (OK + b"Content-Length: 10\r\n\r\n" + BODY, False, BODY[:10], Unreachable),
    "the same length twice": (OK + LENGTH + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "two lengths": (OK + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, False, Unreachable),
    "a list of lengths": (OK + b"Content-Length: 16, 16\r\n\r\n" + BODY, False, Unreachable),
    "a negative length": (OK + b"Content-Length: -1\r\n\r\n" + BODY, False, Unreachable),
    "a length with a sign": (OK + b"Content-Length: +16\r\n\r\n" + BODY, False, Unreachable),
    "a length as Python writes it": (OK + b"Content-Length: 1_6\r\n\r\n" + BODY, False, Unreachable),
    "a hexadecimal length": (OK + b"Content-Length: 0x10\r\n\r\n" + BODY, False, Unreachable),
    "an empty length": (OK + b"Content-Length:\r\n\r\n" + BODY, False, Unreachable),
    "a length of 26 digits": (OK + b"Content-Length: 99999999999999999999999999\r\n\r\n", False, Unreachable),
    "a length and chunks": (OK + LENGTH + CHUNKED + b"\r\n" + chunks(BODY), False, Unreachable),
    "chunks twice": (OK + CHUNKED + CHUNKED + b"\r\n" + chunks(BODY), False, Unreachable, TAKEN),
    "an unknown transfer": (OK + b"Transfer-Encoding: foo\r\n\r\n" + BODY, True, Unreachable, BODY),
    "chunks, then identity": (OK + b"Transfer-Encoding: chunked, identity\r\n\r\n" + BODY, True, Unreachable, BODY),
    "almost chunked": (OK + b"Transfer-Encoding: xchunked\r\n\r\n" + BODY, True, Unreachable, BODY),
    "a space before the colon": (OK + b"Content-Length : 16\r\n\r\n" + BODY, True, Unreachable, BODY),
    "line feeds alone": (b"HTTP/1.1 200 OK\nContent-Length: 16\n\n" + BODY, True, Unreachable, BODY),
    "a line feed among headers": (OK + b"X: y\nContent-Length: 16\r\n\r\n" + BODY, False, Unreachable, TAKEN),
    "a carriage return in a value": (OK + b"X: y\rz\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "a folded line": (OK + b"X: y\r\n z\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable, TAKEN),
    "no colon": (OK + b"Content-Length 16\r\n\r\n" + BODY, False, Unreachable),
    "a null": (OK + b"X: \0\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "a nameless header": (OK + b": y\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "no status line": (BODY, False, Unreachable),
    "binary": (bytes(range(256)) * 4, False, Unreachable),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", False, Unreachable),
    "HTTP/3.7": (b"HTTP/3.7 200 OK\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "a status of two digits": (b"HTTP/1.1 99 X\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "a status of four digits": (b"HTTP/1.1 2000 X\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "an alert of TLS": (b"\x15\x03\x01\x00\x02\x02\x46", False, Unreachable),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" 
        + OK + LENGTH + b"\r\n" + BODY, True, Unreachable, b"",
    ),
    "a hundred times continue": (
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + OK + LENGTH + b"\r\n" + BODY, False, Unreachable, TAKEN,
    ),
    "a chunk of 16 hexadecimal digits": (OK + CHUNKED + b"\r\nffffffffffffffff\r\n", False, Unreachable, TimedOut),
    "a chunk of 268 MB": (OK + CHUNKED + b"\r\nfffffff\r\n", False, AnswerTooLarge, TimedOut),
    "a negative chunk": (OK + CHUNKED + b"\r\n-10\r\n" + BODY + b"\r\n0\r\n\r\n", False, Unreachable),
    "a chunk of no size": (OK + CHUNKED + b"\r\nxyz\r\n" + BODY + b"\r\n0\r\n\r\n", False, Unreachable),
    "a chunk of the size 0x10": (OK + CHUNKED + b"\r\n0x10\r\n" + BODY + b"\r\n0\r\n\r\n", False, Unreachable),
    "a chunk longer than it says": (OK + CHUNKED + b"\r\n5\r\n" + BODY + b"\r\n0\r\n\r\n", False, Unreachable),
    "a chunk that ends otherwise": (OK + CHUNKED + b"\r\n10\r\n" + BODY + b"XX0\r\n\r\n", False, Unreachable),
    "300 trailers": (OK + CHUNKED + b"\r\n" + chunks(BODY)[:-2] + b"X: y\r\n" * 300 + b"\r\n", False, Unreachable),
    "an error that says it is too large": (
        b"HTTP/1.1 500 Oh\r\nContent-Length: 5000\r\n\r\n", False, AnswerTooLarge,
    ),
    "chunks with line feeds alone": (OK + CHUNKED + b"\r\n10\n" + BODY + b"\n0\n\n", False, TimedOut, Unreachable),
    "a broken trailer": (OK + CHUNKED + b"\r\n" + chunks(BODY)[:-2] + b"no trailer\r\n\r\n", False, Unreachable),
    "gzip that is none": (coded("gzip", b"x" * 30), False, Unreachable),
    "gzip without its end": (coded("gzip", ZIPPED[:-9]), False, Unreachable, TAKEN),
    "gzip with more behind it": (coded("gzip", ZIPPED + b"extra"), False, Unreachable),
    "gzip whose checksum is wrong": (coded("gzip", ZIPPED[:-8] + b"\0" * 8), False, Unreachable),
    "brotli": (coded("br", BODY), False, Unreachable),
    "an unknown coding": (coded("foo", BODY), False, Unreachable, TAKEN),
    "gzip in gzip": (coded("gzip, gzip", gzip.compress(ZIPPED)), False, Unreachable, TAKEN),
    "more than allowed": (OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000, False, AnswerTooLarge),
    "more than allowed, in chunks": (OK + CHUNKED + b"\r\n" + chunks(*[b"x" * 100] * 50), False, AnswerTooLarge),
    "more than allowed, to the end": (OK + b"\r\n" + b"x" * 5000, True, AnswerTooLarge),
    "more than allowed, unpacked": (coded("gzip", gzip.compress(b"x" * 5000)), False, AnswerTooLarge),
    "300 headers": (OK + b"X: y\r\n" * 300 + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "a header of 70 kB": (OK + b"X: " + b"y" * 70_000 + b"\r\n" + LENGTH + b"\r\n" + BODY, False, Unreachable),
    "another answer behind it": (OK + LENGTH + b"\r\n" + BODY + OK + LENGTH + b"\r\n" + BODY[::-1], False, BODY),
    "another answer behind chunks": (
        OK + CHUNKED + b"\r\n" + chunks(BODY) + OK + LENGTH + b"\r\n" + BODY[::-1], False, BODY,
    ),
    "another answer behind 204": (b"HTTP/1.1 204 No\r\n\r\n" + OK + LENGTH + b"\r\n" + BODY, False, b""),
    "a line end too many": (OK + LENGTH + b"\r\n" + BODY + b"\r\n", False, BODY, TAKEN),
}  # fmt: skip


async def outcome_of(client: HttpClient) -> Outcome:
    try:
        # A mutation, since what cannot be sent twice must come out the same each time.
        return (await awaited(client.carrier, WireRequest(b"{}", "mutation"))).body
    except SubgraphFailed as failure:
        return type(failure)


async def asked_twice(kind: Kind, said: bytes, hangs_up: bool, timeout_s: float = 10) -> tuple[list[Outcome], int]:
    """What came of two requests, and on how many connections."""
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await request_in(reader):
            writer.write(said)
            await writer.drain()
            if hangs_up:
                return

    settings = SubgraphSettings(client=kind, timeout_s=timeout_s, max_answer_bytes=1000)
    async with serving(talk) as url, client_at(url, settings) as client:
        return [await outcome_of(client) for _ in range(2)], connections


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GOOD)
async def test_an_answer_is_read_and_its_connection_kept(kind: Kind, name: str) -> None:
    said, body = GOOD[name]
    assert await asked_twice(kind, said, False) == ([body, body], 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ENDED)
async def test_an_answer_that_ends_its_connection(kind: Kind, name: str) -> None:
    said, hangs_up, *outcomes = ENDED[name]
    expected = outcomes[0] if kind == "lean" else outcomes[-1]
    found, connections = await asked_twice(kind, said, hangs_up, 0.25 if expected is TimedOut else 10)
    if expected == TAKEN:
        assert all(isinstance(each, bytes) for each in found)
    else:
        assert found == [expected, expected]
    if kind == "lean":
        assert connections == 2
