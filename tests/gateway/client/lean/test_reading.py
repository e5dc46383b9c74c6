"""The lean client's reading against llhttp's, and against itself with the bytes cut elsewhere, on random answers.

What ours takes, llhttp takes for the same answer. What ours alone refuses, it refuses on purpose:
test_hostile_answers has the list.
"""

from __future__ import annotations

import gzip
import itertools
import zlib

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.client.lean.head import USUAL, Head, head_of, header_pairs
from gateway.client.lean.reader import AnswerLimits, AnswerReader
from gateway.errors import SubgraphFailed

LIMITS = AnswerLimits(max_body_bytes=2000, max_head_bytes=2000, max_headers=20)

names = st.sampled_from(
    [
        "Content-Length",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Content-Encoding",
        "Date",
        "X-A",
        "Trailer",
        "Content-Lengt",
        "Content-Length ",
        " Content-Length",
        "CONTENT-LENGTH",
        "Keep-Alive",
        "Upgrade",
        "",
        "X\x00",
        "é",
    ]
)
values = st.sampled_from(
    [
        "3",
        " 3",
        "3 ",
        "\t3\t",
        "03",
        "0",
        "+3",
        "3,3",
        "3 3",
        "",
        "chunked",
        "Chunked",
        "gzip, chunked",
        "close",
        "Close",
        "keep-alive",
        "Keep-Alive",
        "keep-alive, x",
        "upgrade",
        "gzip",
        "identity",
        "a\rb",
        "a\nb",
        "\x00",
        "\x7f",
        "ü",
        "a:b",
        "3\r\nContent-Length: 4",
        "x\r\n folded",
        "99999999999999999999",
    ]
)
separators = st.sampled_from([": "] * 6 + [":", ":  ", ":\t", " : ", " "])
line_ends = st.sampled_from(["\r\n"] * 12 + ["\n", "\r", "\r\r\n"])
status_lines = st.sampled_from(
    ["HTTP/1.1 200 OK"] * 6
    + ["HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.0 200 OK", "HTTP/1.1 204 No", "HTTP/1.1 500 Oh", "HTTP/1.1 304 x"]
    + [
        "HTTP/1.1  200 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 100 x",
    ]
)
headers = st.one_of(
    st.sampled_from([("Content-Length", ": ", "3", "\r\n"), ("Date", ": ", "today", "\r\n")]),
    st.tuples(names, separators, values, line_ends),
)
heads = st.builds(
    lambda status, headers, end: (
        status + "\r\n" + "".join(name + colon + value + ended for name, colon, value, ended in headers) + end
    ).encode("latin-1"),
    status_lines,
    st.lists(headers, max_size=5),
    st.sampled_from(["\r\n"] * 6 + ["\n", "\r\n\r\n", ""]),
)


class Heard:
    """What llhttp makes of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body, self.whole, self.again = b"", False, False
        self.status, self.keeps = 0, False
        self._parser = parser = httptools.HttpResponseParser(self)
        self.refused = False
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.refused = True

    def on_headers_complete(self) -> None:
        if not self.again:
            self.status = self._parser.get_status_code()

    def on_message_begin(self) -> None:
        self.again = self.whole

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.again:
            self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        if not self.again:
            self.keeps = self._parser.should_keep_alive()
        self.whole = True


def read_head(data: bytes) -> Head | None:
    try:
        return head_of("s", data)
    except SubgraphFailed:
        return None


@given(heads)
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nCONTENT-LENGTH: 3\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\ntransfer-encoding: chunked\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length:\t3 \r\nDate: x\r\n\r\n")
@settings(max_examples=600, deadline=None)
def test_the_usual_head_is_read_as_any_head_is(data: bytes) -> None:
    usual = USUAL.match(data)
    if usual is None:
        return
    head = read_head(data[: usual.end()])
    assert head is not None
    lines = data[data.index(b"\n") + 1 : usual.end()]
    assert head == Head(200, header_pairs(lines), int(usual[1]), chunked=False, keeps=True, coding=None)


@given(heads)
@settings(max_examples=600, deadline=None)
def test_a_head_that_is_taken_is_the_one_llhttp_reads(data: bytes) -> None:
    head = read_head(data)
    if head is None or head.is_interim or (head.length or 0) > 1000:
        return
    body = b"abc\r\n" if head.chunked else b"x" * (head.length or 0)
    heard = Heard(data + (b"3\r\n" + body + b"0\r\n\r\n" if head.chunked else body))
    assert not heard.refused
    assert (heard.status, heard.headers) == (head.status, head.headers)
    if head.chunked or head.length is not None:
        assert heard.whole
        assert heard.body == (b"abc" if head.chunked else body)
        assert heard.keeps or not head.keeps


bodies = st.binary(max_size=60)
sizes = st.sampled_from(["%x", "%X", "0%x", "%x;a=b", "%x ;a", "+%x", "0x%x", "%x\n", "%x\r", " %x", "%x;\x01"])
ends = st.sampled_from(
    [b"0\r\n\r\n"] * 5 + [b"00\r\n\r\n", b"0;x\r\nX: y\r\n\r\n", b"0\r\nX\r\n\r\n", b"0\r\n", b"", b"0\n\n"]
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Mostly right ones."""
    coding = draw(st.sampled_from(["", "", "gzip", "deflate"]))
    body = draw(bodies) * draw(st.integers(1, 5))
    packed = {"": body, "gzip": gzip.compress(body, mtime=0), "deflate": zlib.compress(body)}[coding]
    if draw(st.integers(0, 9)) == 0:
        packed = packed[: draw(st.integers(0, len(packed)))]
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Encoding: %b\r\n" % coding.encode() if coding else b"")
    said = draw(st.sampled_from([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    if draw(st.booleans()):
        length = len(packed) + draw(st.sampled_from([0, 0, 0, 0, -1, 1]))
        said += head + b"Content-Length: %d\r\n\r\n" % max(0, length) + packed
    else:
        said += head + b"Transfer-Encoding: chunked\r\n\r\n"
        while packed:
            part, packed = packed[: (cut := draw(st.integers(1, 40)))], packed[cut:]
            size = draw(sizes) if draw(st.integers(0, 7)) == 0 else "%x"
            said += (size % len(part)).encode("latin-1") + b"\r\n" + part + b"\r\n"
        said += draw(ends)
    return said + draw(st.sampled_from([b"", b"", b"", b"\r\n", b"HTTP/1.1 200 OK\r\n"]))


def read(pieces: list[bytes], ends: bool = True) -> tuple[object, ...]:
    """Status, body, whether bytes are left; or the failure."""
    reader = AnswerReader("s", LIMITS)
    left = False
    try:
        for piece in pieces:
            if reader.is_whole:
                left = True
            else:
                reader.feed(piece)
        if not reader.is_whole and ends:
            reader.end()
    except SubgraphFailed as failure:
        return (type(failure),)
    if reader.head is None or not reader.is_whole:
        return (None,)
    return reader.head.status, reader.body, left or reader.has_extra


@given(answers(), st.lists(st.integers(0, 400), max_size=12))
@settings(max_examples=400, deadline=None)
def test_where_the_bytes_are_cut_changes_nothing(said: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]
    pieces = [said[start:end] for start, end in itertools.pairwise(places) if start < end]
    assert read(pieces) == read([said]) == read([bytes([byte]) for byte in said])


@given(answers())
@settings(max_examples=600, deadline=None)
def test_an_answer_that_is_taken_is_the_one_llhttp_reads(said: bytes) -> None:
    found = read([said], ends=False)
    if len(found) != 3 or found[2]:
        return
    heard = Heard(said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert heard.whole
    assert not heard.refused
    coding = dict(heard.headers).get("content-encoding")
    unpack = {None: bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[coding]
    assert (heard.status, unpack(heard.body) if heard.body else b"") == found[:2]


def test_the_oracles_see_both_kinds_of_answers() -> None:
    """Or the tests above would say nothing."""
    assert read([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"]) == (200, b"abc", False)
    assert len(read([b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc"])) == 1
    assert Heard(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc").refused


@pytest.mark.parametrize("headers", [1, 20, 21, 100, 250])
def test_a_head_has_no_more_lines_than_allowed(headers: int) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (headers - 1) + b"Content-Length: 0\r\n\r\n"
    assert (len(read([data])) == 3) == (headers <= 20)
