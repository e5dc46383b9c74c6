"""An operation's text -> a document that keeps the limits and is valid for what clients see.

In: text. Out: the parsed document. Refuses what passes a limit before it costs much: limits that can be told from the
text alone come before parsing, those on the document before validation. The last answer is kept, because one request
may ask for the same text more than once on its way to a plan.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, validate

from gateway.errors import ErrorCode, LimitExceeded, OperationInvalid, RequestRefused
from gateway.operation.limits import check_document, check_text
from gateway.operation.rules import rules_with
from gateway.settings import Limits

_MOST_PROBLEMS = 100
_LONGEST_MESSAGE = 1000
# What graphql-core says where the rules' own budget is spent; too many problems it calls by another sentence.
_ABORTED = "Validation aborted."


class OperationReader:
    def __init__(self, schema: GraphQLSchema, limits: Limits, development: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._development = development
        self._rules = rules_with(limits.max_comparisons)
        self._last: tuple[str, DocumentNode | RequestRefused] | None = None

    def document(self, text: str) -> DocumentNode:
        """Raises `RequestRefused` with every reason."""
        if self._last is None or self._last[0] != text:
            try:
                self._last = (text, self._read(text))
            except RequestRefused as refused:
                self._last = (text, refused)
        found = self._last[1]
        if isinstance(found, RequestRefused):
            raise found.with_traceback(None)
        return found

    def _read(self, text: str) -> DocumentNode:
        check_text(text, self._limits)
        try:
            document = parse(text, max_tokens=self._limits.max_tokens)
        except GraphQLSyntaxError as problem:
            raise OperationInvalid(ErrorCode.GRAPHQL_PARSE_FAILED, [problem]) from problem
        except RecursionError:
            raise LimitExceeded("levels of nesting", self._limits.max_nesting) from None
        _unchain(document)
        check_document(document, self._limits)
        most = _MOST_PROBLEMS if self._development else self._limits.max_problems
        try:
            hides = not self._development
            problems = validate(self._schema, document, self._rules, max_errors=most, hide_suggestions=hides)
        except RecursionError:
            raise LimitExceeded("levels of nesting", self._limits.max_nesting) from None
        if any(problem.message.startswith(_ABORTED) for problem in problems):
            raise LimitExceeded("fields under one name to compare", self._limits.max_comparisons)
        if problems:
            raise OperationInvalid(ErrorCode.GRAPHQL_VALIDATION_FAILED, told(problems, self._development))
        return document


def _unchain(document: DocumentNode) -> None:
    """Each token holds its neighbours: whoever kept one node would keep all of them, a hundred bytes for each.

    And what holds each other in a circle is left to the collector; so they go with the document, at once.
    """
    token = document.loc.start_token if document.loc else None
    while token is not None:
        following = token.next
        token.prev = token.next = None
        token = following


def told(problems: Sequence[GraphQLError], development: bool) -> Sequence[GraphQLError]:
    """The problems as clients may read them: outside development without what they might have meant.

    graphql-core leaves out names when it is told to, and not every sentence.
    """
    for problem in problems:
        if not development:
            problem.message = problem.message.partition(" Did you mean ")[0]
        if len(problem.message) > _LONGEST_MESSAGE:
            # It holds a piece of what was sent, and that may be long.
            problem.message = problem.message[:_LONGEST_MESSAGE] + "..."
    return problems
