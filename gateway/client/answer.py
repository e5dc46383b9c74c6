"""Bytes or plain values of a GraphQL response -> `SubgraphAnswer`; what is none is an `AnswerMalformed`."""

from __future__ import annotations

import msgspec

from gateway.client.errors import AnswerMalformed, RefusedByStatus
from gateway.client.protocol import SubgraphAnswer, WireAnswer

_decoder = msgspec.json.Decoder(SubgraphAnswer)


def answer_from_bytes(subgraph: str, body: bytes | str) -> SubgraphAnswer:
    try:
        answer = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AnswerMalformed(subgraph, str(error)) from error
    return _not_empty(subgraph, answer)


def answer_from_wire(subgraph: str, answer: WireAnswer) -> SubgraphAnswer:
    """A GraphQL answer under status 500 is an answer; what is none is told by its status, if that says anything."""
    try:
        return answer_from_bytes(subgraph, answer.body)
    except AnswerMalformed:
        if answer.status != 200:
            raise RefusedByStatus(subgraph, answer.status) from None
        raise


def answer_from_value(subgraph: str, value: object) -> SubgraphAnswer:
    try:
        answer = msgspec.convert(value, SubgraphAnswer)
    except (msgspec.ValidationError, RecursionError) as error:
        raise AnswerMalformed(subgraph, str(error)) from error
    return _not_empty(subgraph, answer)


def _not_empty(subgraph: str, answer: SubgraphAnswer) -> SubgraphAnswer:
    if answer.data is None and not answer.errors:
        raise AnswerMalformed(subgraph, "it has neither data nor errors")
    return answer
