"""One stream's callers as one: in whose name subgraphs are asked as callers come, go and change."""

from __future__ import annotations

from gateway.execution.caller import Principal
from gateway.http.headers import Exchange, HeaderRules
from gateway.settings import HeaderSettings, RequestRule
from gateway.streams.callers import Callers


class Someone:
    def __init__(self, name: str, rights: bytes = b"{}") -> None:
        self.trace_id = f"trace of {name}"
        self.headers = Exchange(HeaderRules(HeaderSettings(requests=(RequestRule(named="X-A"),))), [("x-a", name)])
        self.principal = Principal("ada", "t", rights)
        self._name = name

    def token(self) -> str:
        return self._name


def test_the_token_is_of_one_who_is_there() -> None:
    first, second = Someone("first"), Someone("second")
    callers = Callers(first)
    callers.add(first)
    callers.add(second)
    assert callers.token() == "first"
    callers.remove(first)
    assert callers.token() == "second"


def test_who_has_got_other_rights_lends_them_only_where_nobody_else_is_there() -> None:
    first, second = Someone("first"), Someone("second")
    callers = Callers(first)
    callers.add(first)
    callers.add(second)
    first.principal = Principal("ada", "t", b'{"admin":true}')
    assert callers.token() == "second"
    callers.remove(second)
    assert callers.token() == "first"


def test_headers_go_on_and_those_of_answers_are_not_kept() -> None:
    first = Someone("first")
    callers = Callers(first)
    assert callers.headers is not None
    assert callers.headers.to_subgraph("any") == [("x-a", "first")]
    callers.headers.from_subgraph("any", [("set-cookie", "a=b")])
    assert first.headers.to_client(cacheable=False) == []
