"""A request whose headers are looked up by name, not searched: they are asked for a dozen times an operation."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope


class IndexedHeaders(Headers):
    """`pairs`: all of them in their order, names in lower case. Of several with one name the first counts."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self.pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.raw]
        self._first = dict(reversed(self.pairs))

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def get(self, key: str, default: Any = None) -> Any:
        return self._first.get(key.lower(), default)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._first

    def getlist(self, key: str) -> list[str]:
        return super().getlist(key) if key.lower() in self._first else []

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return self.pairs


class IndexedRequest(Request):
    # Starlette's is a property that looks each time whether there are any.
    headers: IndexedHeaders = None  # type: ignore[assignment]

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self.headers = self._headers = IndexedHeaders(scope)
