"""The head of an HTTP/1.1 answer, read strictly (RFC 9112): status, headers, where the body ends, what comes after.

In: all bytes of one head. Out: a `Head`. Refuses what two readers could take for different answers: several lengths, a
length beside chunks, bare line feeds, folded lines, names that are none.
"""

from __future__ import annotations

import re

from msgspec import Struct

from gateway.client.answer_headers import header_pairs
from gateway.client.errors import Unreachable

# Possessive for single characters only: before Python 3.11.5 a possessive group keeps part of a line that does not fit.
_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*+"
_STATUS_LINE = rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: " + _VALUE + rb")?\r\n"
_HEAD = re.compile(_STATUS_LINE + rb"((?:" + _NAME + rb":" + _VALUE + rb"\r\n)*)\r\n")

# Lines that change neither where the body ends nor how it is read.
_PLAIN = (
    rb"(?:(?!(?i:content-length|content-encoding|transfer-encoding|connection):)" + _NAME + rb":" + _VALUE + rb"\r\n"
    rb"|(?i:connection): ?(?i:keep-alive)\r\n){0,100}"
)
USUAL = re.compile(
    rb"HTTP/1\.1 200(?: " + _VALUE + rb")?\r\n"
    + _PLAIN + rb"(?i:content-length):[\t ]*+([0-9]{1,15}+)[\t ]*+\r\n" + _PLAIN + rb"\r\n"
)  # fmt: skip
"""The head of nearly all answers: 200, one length, nothing else of weight. What it takes, `head_of` reads alike.

No more lines than `AnswerLimits` has by default; how long they are is for whoever uses it to look at.
"""

_LENGTH = re.compile(r"[0-9]{1,15}")
_WITHOUT_BODY = (204, 304)
_SWITCHING = 101


class Head(Struct, frozen=True):
    """length: of the body, where it was said; where there is none and no chunks, the body ends with the connection.

    keeps: another request may follow on the connection. coding: the body is compressed so.
    """

    status: int
    headers: list[tuple[str, str]]
    length: int | None
    chunked: bool
    keeps: bool
    coding: str | None

    @property
    def is_interim(self) -> bool:
        return self.status < 200


def head_of(subgraph: str, data: bytes | bytearray) -> Head:
    found = _HEAD.fullmatch(data)
    if found is None:
        raise Unreachable(subgraph, f"what it sent is not HTTP: {bytes(data[:60])!r}")
    status = int(found[2])
    if status == _SWITCHING:
        raise Unreachable(subgraph, "it switches to another protocol, unasked")
    headers = header_pairs(found[3])
    lengths = [value for name, value in headers if name == "content-length"]
    transfers = [value.lower() for name, value in headers if name == "transfer-encoding"]
    options = {each.strip().lower() for name, value in headers if name == "connection" for each in value.split(",")}
    codings = [value.lower() for name, value in headers if name == "content-encoding" and value.lower() != "identity"]
    newest = found[1] == b"1"
    if len(lengths) > 1 or (lengths and transfers):
        raise Unreachable(subgraph, "its answer says more than once where it ends")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise Unreachable(subgraph, f"its answer has the Content-Length {lengths[0]!r:.60}")
    if transfers and (transfers != ["chunked"] or not newest):
        raise Unreachable(subgraph, f"its answer has the Transfer-Encoding {', '.join(transfers)!r:.60}")
    length = int(lengths[0]) if lengths else None
    if status < 200 or status in _WITHOUT_BODY:
        length, transfers = 0, []
    return Head(
        status,
        headers,
        length,
        chunked=bool(transfers),
        keeps=newest and options <= {"keep-alive"} and (length is not None or bool(transfers)),
        coding=", ".join(codings) or None,
    )
