"""One House, one question with @stream in it (and maybe @defer), three answers: graphql-core's pieces, ours twice.

In: chance. Out: how many questions had a list in two goes, or a `Difference`. Ours streams less: not what is in a later
item, and not what a fetch has to read to the end. What comes in the end has to be the same; where nothing of that kind
is asked, so have the first answer and what it announces.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_nullable_type,
    is_list_type,
    parse,
    print_ast,
    validate,
    visit,
)

from gateway.execution.pieces import Spelling
from gateway.pipeline import OperationRequest, Ready
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph
from tests.differential.answering import Part, Whole
from tests.differential.building import random_house
from tests.differential.comparing import Difference, Nobody
from tests.differential.deferring import (
    announced,
    argument,
    begin,
    expected_pieces,
    joined,
    joined_by_paths,
    pieces_in,
    pipeline_of,
    with_defers,
)
from tests.differential.operations import random_question
from tests.differential.supergraph_text import supergraph_of
from tests.differential.truth import Truth

Json = Any
QUESTIONS = 3


class _Sprinkle(Visitor):
    """@stream on fields that are lists, each with a label of its own."""

    def __init__(self, chance: random.Random, types: TypeInfo) -> None:
        super().__init__()
        self._chance, self._types, self.count = chance, types, 0

    def enter_field(self, node: FieldNode, *_: object) -> FieldNode | None:
        type_ = self._types.get_type()
        if type_ is None or not is_list_type(get_nullable_type(type_)) or self._chance.random() < 0.3:
            return None
        self.count += 1
        arguments = [argument("label", StringValueNode(value=f"s{self.count}", block=False))]
        drawn = self._chance.random()
        if drawn < 0.7:
            arguments.append(argument("initialCount", IntValueNode(value=str(self._chance.randrange(3)))))
        if drawn < 0.2:
            arguments.append(argument("if", VariableNode(name=NameNode(value=self._chance.choice("ab")))))
        directive = DirectiveNode(name=NameNode(value="stream"), arguments=tuple(arguments))
        values = {key: getattr(node, key) for key in node.keys if key != "loc"}
        return FieldNode(**{**values, "directives": (*(node.directives or ()), directive)})


def with_streams(chance: random.Random, schema: GraphQLSchema, document: str) -> str:
    types = TypeInfo(schema)
    return print_ast(visit(parse(document), TypeInfoVisitor(types, _Sprinkle(chance, types))))


async def compare_streamed(chance: random.Random) -> int:
    """Make a House and put some questions to it; how many had something streamed."""
    house = random_house(chance)
    truth = Truth(chance, house)
    whole = Whole(house, truth)
    text = supergraph_of(house)
    planning = Planning(read_supergraph(text))
    asked = 0
    for _ in range(QUESTIONS):
        question = random_question(chance, whole.schema)
        if question is None or question.text.startswith("mutation"):
            continue
        document, variables = with_streams(chance, whole.schema, question.text), question.variables
        if chance.random() < 0.4:
            document = with_defers(chance, document)
        if validate(planning.supergraph.api_schema, parse(document)):
            # A list that is asked twice must not be streamed.
            continue
        parts = {name: Part(house, truth, name) for name in house.subgraphs}
        pipeline = pipeline_of(planning, parts)
        request = OperationRequest(document, variables)
        ready = await pipeline.ready(request, in_pieces=True)
        if ready.plan.deferral is None or not ready.plan.deferral.streams:
            continue
        asked += 1
        expected = await expected_pieces(whole, document, variables)
        given, wrong = {}, []
        for each in Spelling:
            begin(parts)
            given[each] = await pieces_in(pipeline, ready, each)
            wrong += [fault for part in parts.values() for fault in part.wrong]
        begin(parts)
        at_once = (await pipeline.answer(await pipeline.ready(request), Nobody())).as_json()
        wrong = wrong or _differences(expected, given, at_once, ready, document)
        if wrong:
            told = "\n".join(f"{name}: {value}" for name, value in (("expected", expected), *given.items()))
            joined_text = text[text.index("enum join__Graph") :]
            raise Difference(f"{wrong}\n{document}\n{variables}\n{told}\n{render(ready.plan)}\n{joined_text}")
    return asked


def _differences(
    expected: list[Json], given: dict[Spelling, list[Json]], at_once: Json, ready: Ready, document: str
) -> list[str]:
    newer, older = given[Spelling.PENDING], given[Spelling.PATHS]
    found = []
    if newer[0]["data"] != older[0]["data"]:
        found.append("the first answers differ between the spellings")
    for pieces in given.values():
        says = [each.get("hasNext", False) for each in pieces]
        found += [] if says == [True] * (len(pieces) - 1) + [False] else ["the end is not where it says"]
    if "errors" not in at_once:
        # A null that may not be one takes less along where a list comes in more goes.
        if joined(newer) != at_once["data"]:
            found.append(f"all pieces together: {joined(newer)}, at once: {at_once['data']}")
        if joined_by_paths(older) != at_once["data"]:
            found.append(f"by paths: {joined_by_paths(older)}, at once: {at_once['data']}")
        if joined(expected) != joined(newer):
            found.append(f"expected in the end: {joined(expected)}, {joined(newer)}")
    elif not _tells_of_errors(newer) or not _tells_of_errors(older):
        found.append("an error is not told")
    assert ready.plan.deferral is not None
    as_many = len(ready.plan.deferral.streams) == document.count("@stream")
    if "@defer" not in document and as_many and "errors" not in at_once:
        if expected[0]["data"] != newer[0]["data"]:
            found.append("the first answers differ")
        if _with_more(expected) != announced(newer[:1]):
            found.append(f"announced at first: {_with_more(expected)}, {announced(newer[:1])}")
    return found


def _with_more(pieces: list[Json]) -> list[Json]:
    """What is announced at first and comes to something: graphql-core announces lists, too, that end there."""
    ids = {each["id"] for piece in pieces for each in piece.get("incremental", ())}
    ids |= {each["id"] for piece in pieces for each in piece.get("completed", ()) if each.get("errors")}
    return announced([{"pending": [each for each in pieces[0].get("pending", ()) if each["id"] in ids]}])


def _tells_of_errors(pieces: Iterable[Json]) -> bool:
    return any(
        holder.get("errors")
        for piece in pieces
        for holder in (piece, *piece.get("incremental", ()), *piece.get("completed", ()))
    )
