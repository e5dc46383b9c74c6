"""Which URLs a subgraph may have, and what each request to it begins with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.client.carrying import awaited
from gateway.client.errors import UrlUnusable
from gateway.client.lean.target import target_of
from gateway.client.protocol import WireAnswer, WireRequest
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import answer, client_at, request_in, serving


@pytest.mark.parametrize(
    ("url", "host", "port", "begins"),
    [
        ("http://a.example", "a.example", 80, b"POST / HTTP/1.1\r\nHost: a.example\r\n"),
        ("http://a.example:80/q", "a.example", 80, b"POST /q HTTP/1.1\r\nHost: a.example\r\n"),
        ("https://A.example:444/q?x=1#y", "a.example", 444, b"POST /q?x=1 HTTP/1.1\r\nHost: a.example:444\r\n"),
        ("http://[::1]:4001/q", "::1", 4001, b"POST /q HTTP/1.1\r\nHost: [::1]:4001\r\n"),
        ("unix:///run/a.sock", "localhost", 0, b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n"),
        ("unix:///run/a.sock?path=/q", "localhost", 0, b"POST /q HTTP/1.1\r\nHost: localhost\r\n"),
    ],
)
def test_a_url_says_where_and_what(url: str, host: str, port: int, begins: bytes) -> None:
    target = target_of("s", url)
    assert (target.host, target.port, target.tls) == (host, port, url.startswith("https"))
    assert target.socket_path == ("/run/a.sock" if url.startswith("unix") else None)
    assert target.head.startswith(begins)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "--subgraph s=URL"),
        ("http://me:secret@a.example/", "user or password"),
        ("http://me@a.example/", "user or password"),
        ("http://a.example/x y", "%XX"),
        ("http://a.example/\r\nX: y", "%XX"),
        ("http://ä.example/", "punycode"),
        ("ftp://a.example/", "http://HOST"),
        ("a.example/graphql", "http://HOST"),
        ("http:///graphql", "http://HOST"),
        ("http://a.example:99999/", "(?i)port"),
        ("http://a.example:port/", "(?i)port"),
        ("http://[::1/", "(?i)ipv6"),
        ("unix://run/a.sock", "unix:///run"),
        ("unix:///run/a.sock?path=graphql", "unix:///run"),
    ],
)
def test_an_unusable_url_is_refused_without_being_told(url: str, says: str) -> None:
    with pytest.raises(UrlUnusable, match=says) as refused:
        target_of("s", url)
    assert "secret" not in str(refused.value)


async def test_a_unix_socket_answers(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await request_in(reader):
            writer.write(answer(request.split(b"\r\n")[0]))

    async with serving(talk, str(tmp_path / "a.sock")) as url, client_at(url, SubgraphSettings()) as client:
        assert await awaited(client.carrier, WireRequest(b"{}")) == WireAnswer(200, b"POST /graphql HTTP/1.1")
