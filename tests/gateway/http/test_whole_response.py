"""A response put together in one step says what Starlette's own would."""

from __future__ import annotations

from starlette.responses import Response

from gateway.http.whole_response import WholeResponse, add_missing


def test_it_says_what_starlettes_own_says() -> None:
    own = Response(b"{}", 200, {"Content-Type": "application/json; charset=utf-8"})
    own.headers["Vary"] = "Accept"
    own.headers.append("Set-Cookie", "a=1")
    own.headers.append("Set-Cookie", "b=2")
    made = WholeResponse(b"{}", 200, "application/json", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    assert sorted(made.raw_headers) == sorted(own.raw_headers)
    assert (made.status_code, made.body) == (own.status_code, own.body)


def test_what_is_there_already_is_not_replaced() -> None:
    made = WholeResponse(b"", 200, "application/json", [("RateLimit", "passed on")])
    add_missing(made, [("RateLimit", "ours"), ("RateLimit-Limit", "5")])
    assert made.headers.getlist("ratelimit") == ["passed on"]
    assert made.headers["ratelimit-limit"] == "5"
