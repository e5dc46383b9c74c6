"""Headers that pass through: from a client's request to subgraphs, and from their answers to the client.

In: rules and one request's headers. Out: for each subgraph the headers to send, and, once all have answered, those to
answer with. Nothing passes that no rule names; what belongs to one connection (RFC 9110, 7.6.1), the length and coding
of a body, and the caller's signed token never do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.client.answer_headers import AnswerHeaders
from gateway.http.cache_control import most_restrictive
from gateway.settings import HeaderSettings, RequestRule, ResponseRule

NEVER_PASSED = frozenset(
    {
        "caller-token", "connection", "content-encoding", "content-length", "content-type", "host", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "accept", "accept-encoding", "expect",
    }
)  # fmt: skip
_CACHE_CONTROL = "cache-control"


class HeaderRules:
    """The settings, checked and made ready once. Raises ValueError for a rule that cannot mean anything."""

    def __init__(self, settings: HeaderSettings) -> None:
        self.settings = settings
        self._requests = [(_names_of(rule), rule) for rule in settings.requests]
        self._responses = [(_names_of(rule), rule) for rule in settings.responses]
        if settings.trace_context:
            trace = (RequestRule(named="traceparent"), RequestRule(named="tracestate"))
            self._requests += [(_names_of(rule), rule) for rule in trace]
        self.differ_by_subgraph = any(rule.subgraphs for _, rule in self._requests)

    @property
    def passes_cookies(self) -> bool:
        return any(names.fullmatch("cookie") for names, _ in self._requests)

    def to_subgraph(self, subgraph: str, given: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        sent: list[tuple[str, str]] = []
        given = list(given)
        present = {name for name, _ in given}
        for names, rule in self._requests:
            if rule.subgraphs and subgraph not in rule.subgraphs:
                continue
            found = []
            # Few of those that are named come with a request; whether they do is not worth a pattern.
            if rule.named is None or rule.named.lower() in present:
                found = [(rule.rename or name, value) for name, value in given if names.fullmatch(name)]
            if not found and rule.named and rule.default is not None:
                found = [(rule.rename or rule.named, rule.default)]
            sent += found
        return sent

    def to_client(self, heard: Sequence[tuple[str, AnswerHeaders]]) -> list[tuple[str, str]]:
        """`heard`: each answer's subgraph and headers, in the order of arrival."""
        answered: list[tuple[str, str]] = []
        for names, rule in self._responses:
            found = [
                (rule.rename or name, value)
                for subgraph, headers in heard
                if not rule.subgraphs or subgraph in rule.subgraphs
                for name, value in headers
                if names.fullmatch(name)
            ]
            answered += _kept(found, rule.keep)
        return answered


class Exchange:
    """One request's headers on their way to subgraphs and back."""

    def __init__(self, rules: HeaderRules, given: Sequence[tuple[str, str]]) -> None:
        self._rules = rules
        self._given = given
        self._heard: list[tuple[str, AnswerHeaders]] = []
        self._sent: dict[str, list[tuple[str, str]]] = {}

    def to_subgraph(self, subgraph: str) -> list[tuple[str, str]]:
        key = subgraph if self._rules.differ_by_subgraph else ""
        sent = self._sent.get(key)
        if sent is None:
            sent = self._sent[key] = self._rules.to_subgraph(subgraph, self._given)
        return sent

    def from_subgraph(self, subgraph: str, headers: AnswerHeaders) -> None:
        self._heard.append((subgraph, headers))

    def to_client(self, cacheable: bool) -> list[tuple[str, str]]:
        """`cacheable`: a query that was answered without an error."""
        answered = self._rules.to_client(self._heard)
        if self._rules.settings.cache_control and self._heard:
            merged = (
                most_restrictive([headers.last(_CACHE_CONTROL) for _, headers in self._heard])
                if cacheable
                else "no-store"
            )
            if merged is not None:
                answered.append((_CACHE_CONTROL, merged))
        return answered


def _kept(found: list[tuple[str, str]], keep: str) -> list[tuple[str, str]]:
    if keep == "all":
        return found
    cookies = [each for each in found if each[0] == "set-cookie"]
    single: dict[str, str] = {}
    for name, value in found:
        if name != "set-cookie" and not (keep == "first" and name in single):
            single[name] = value
    return [*cookies, *single.items()]


def _names_of(rule: RequestRule | ResponseRule) -> re.Pattern[str]:
    if (rule.named is None) == (rule.matching is None):
        raise ValueError("A header rule has either `named` or `matching`.")
    if rule.named is not None and rule.named.lower() in NEVER_PASSED:
        raise ValueError(f"The header {rule.named!r} never passes: it belongs to one connection or body.")
    if rule.rename is not None and rule.rename.lower() in NEVER_PASSED:
        raise ValueError(f"A header cannot become {rule.rename!r}: that belongs to one connection or body.")
    never = "|".join(map(re.escape, sorted(NEVER_PASSED)))
    names = re.escape(rule.named.lower()) if rule.named is not None else rule.matching or ""
    try:
        return re.compile(f"(?!(?:{never})$)(?:{names})")
    except re.error as error:
        raise ValueError(f"The pattern {rule.matching!r} cannot be read: {error}.") from error
