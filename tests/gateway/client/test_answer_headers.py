"""Headers of answers are the same, whether they are read late from a head or were read before."""

from __future__ import annotations

import pytest

from gateway.client.answer_headers import NO_HEADERS, AnswerHeaders

HEAD = (
    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=5\r\nX-Two: a:b \r\nset-cookie: a=1\r\ncache-control:\tno-store\r\n\r\n"
)
PAIRS = [("cache-control", "max-age=5"), ("x-two", "a:b"), ("set-cookie", "a=1"), ("cache-control", "no-store")]


@pytest.mark.parametrize("headers", [AnswerHeaders(HEAD), AnswerHeaders(pairs=PAIRS)])
def test_all_in_their_order_as_often_as_one_looks(headers: AnswerHeaders) -> None:
    assert list(headers) == PAIRS
    assert list(headers) == PAIRS


@pytest.mark.parametrize("headers", [AnswerHeaders(HEAD), AnswerHeaders(pairs=PAIRS)])
def test_the_last_of_a_name_counts(headers: AnswerHeaders) -> None:
    assert headers.last("cache-control") == "no-store"
    assert headers.last("x-two") == "a:b"
    assert headers.last("etag") is None


def test_a_name_within_a_value_is_no_header() -> None:
    assert AnswerHeaders(b"HTTP/1.1 200 OK\r\nvary: cache-control\r\n\r\n").last("cache-control") is None


def test_none_at_all() -> None:
    assert (list(NO_HEADERS), NO_HEADERS.last("etag")) == ([], None)
