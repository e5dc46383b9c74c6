"""One House, one question with @defer in it, three answers: graphql-core's pieces, ours in both spellings.

In: chance. Out: nothing, or a `Difference`. graphql-core runs the same question, in pieces, against one plain schema:
the first answer, what it announces, what fails and what all pieces come to have to be the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)
from graphql.execution import ExperimentalIncrementalExecutionResults

from gateway.client.in_process import InProcessClient
from gateway.execution.executor import Executor
from gateway.execution.pieces import Piece, Spelling
from gateway.execution.reporting import Reporting
from gateway.operation.deferring import ITSELF, Deferring, switches_in, undeferred
from gateway.operation.model import Field
from gateway.operation.prepare import prepare_document
from gateway.override_labels import OverrideLabels
from gateway.pipeline import OperationRequest, Pipeline, Ready
from gateway.plan.deferral import FIRST
from gateway.plan.nodes import Node, Parallel, Sequence, SubgraphName
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.settings import Limits
from gateway.supergraph.read import read_supergraph
from tests.differential.answering import Part, Whole
from tests.differential.building import random_house
from tests.differential.comparing import Difference, Nobody, is_gone
from tests.differential.faults import Faults
from tests.differential.operations import random_question
from tests.differential.supergraph_text import supergraph_of
from tests.differential.truth import Clock, Truth

Json = Any
QUESTIONS = 3


class _Sprinkle(Visitor):
    """@defer on fragments and around fields, each with a label of its own."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance, self._count = chance, 0

    def leave_inline_fragment(self, node: InlineFragmentNode, *_: object) -> InlineFragmentNode:
        return self._perhaps(node)

    def leave_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> FragmentSpreadNode:
        return self._perhaps(node)

    def leave_selection_set(self, node: SelectionSetNode, *_: object) -> SelectionSetNode:
        if self._chance.random() > 0.3:
            return node
        around = [each for each in node.selections if self._chance.random() < 0.6]
        if not around:
            return node
        # What is asked both at once and later; labels stand once.
        both = [undeferred(each) for each in around if self._chance.random() < 0.2]
        kept = [*(each for each in node.selections if each not in around), *both]
        wrapped = InlineFragmentNode(
            type_condition=None,
            directives=(self._defer(),),
            selection_set=SelectionSetNode(selections=tuple(around)),
        )
        selections = [*kept, wrapped]
        self._chance.shuffle(selections)
        return SelectionSetNode(selections=tuple(selections))

    def _perhaps(self, node: Any) -> Any:
        if self._chance.random() > 0.5 or any(each.name.value == "defer" for each in node.directives or ()):
            return node
        values = {key: getattr(node, key) for key in node.keys if key != "loc"}
        return type(node)(**{**values, "directives": (*(node.directives or ()), self._defer())})

    def _defer(self) -> DirectiveNode:
        self._count += 1
        arguments = [argument("label", StringValueNode(value=f"d{self._count}", block=False))]
        drawn = self._chance.random()
        if drawn < 0.2:
            name = self._chance.choice("ab")
            arguments.append(argument("if", VariableNode(name=NameNode(value=name))))
        elif drawn < 0.3:
            arguments.append(argument("if", BooleanValueNode(value=self._chance.random() < 0.5)))
        return DirectiveNode(name=NameNode(value="defer"), arguments=tuple(arguments))


def argument(name: str, value: ValueNode) -> ArgumentNode:
    return ArgumentNode(name=NameNode(value=name), value=value)


def with_defers(chance: random.Random, document: str) -> str:
    return print_ast(visit(parse(document), _Sprinkle(chance)))


async def compare_deferred(chance: random.Random) -> int:
    """Make a House and put some questions to it; how many had something deferred."""
    house = random_house(chance)
    truth = Truth(chance, house)
    whole = Whole(house, truth)
    text = supergraph_of(house)
    planning = Planning(read_supergraph(text))
    asked = 0
    for _ in range(QUESTIONS):
        question = random_question(chance, whole.schema)
        if question is None or question.text.startswith("mutation"):
            # Nothing may be deferred at a mutation's root.
            continue
        document, variables = with_defers(chance, question.text), question.variables
        assert not validate(planning.supergraph.api_schema, parse(document)), document
        parts = {name: Part(house, truth, name) for name in house.subgraphs}
        pipeline = pipeline_of(planning, parts)
        ready = await pipeline.ready(OperationRequest(document, variables), in_pieces=True)
        if ready.plan.deferral is None:
            continue
        asked += 1
        expected = await expected_pieces(whole, document, variables)
        given, wrong = {}, _late(planning, ready, document)
        for each in Spelling:
            begin(parts)
            given[each] = await pieces_in(pipeline, ready, each)
            wrong += [fault for part in parts.values() for fault in part.wrong]
        begin(parts)
        undeferred = (
            await pipeline.answer(await pipeline.ready(OperationRequest(document, variables)), Nobody())
        ).as_json()
        wrong = wrong or _differences(expected, given[Spelling.PENDING])
        wrong = wrong or _differences_by_paths(undeferred, given[Spelling.PATHS], given[Spelling.PENDING])
        if wrong:
            told = "\n".join(f"{name}: {value}" for name, value in (("expected", expected), *given.items()))
            joined = text[text.index("enum join__Graph") :]
            raise Difference(f"{wrong}\n{document}\n{variables}\n{told}\n{render(ready.plan)}\n{joined}")
    return asked


def begin(parts: Mapping[str, Part]) -> None:
    """A new question to the subgraphs; nothing is amiss in them, and no label is on."""
    clock = Clock()
    for part in parts.values():
        part.begin(clock, frozenset(), Faults())


def pipeline_of(planning: Planning, parts: Mapping[str, Part]) -> Pipeline:
    clients = {SubgraphName(name): InProcessClient(SubgraphName(name), part, 30.0) for name, part in parts.items()}
    executor = Executor(clients, planning.supergraph.api_schema, Reporting(development=True))
    return Pipeline(planning, executor, Limits(), 10, True, True, OverrideLabels((), {}))


async def pieces_in(pipeline: Pipeline, ready: Ready, spelling: Spelling) -> list[Json]:
    pieces: list[Piece] = [each async for each in pipeline.pieces(ready, Nobody(), spelling)]
    return [each.as_json() for each in pieces]


async def expected_pieces(whole: Whole, document: str, variables: Mapping[str, Json]) -> list[Json]:
    """graphql-core's own pieces."""
    result = whole.answer_in_pieces(document, variables)
    if hasattr(result, "__await__"):
        result = await result
    if not isinstance(result, ExperimentalIncrementalExecutionResults):
        return [{**result.formatted, "hasNext": False}]
    later = [each.formatted async for each in result.subsequent_results]
    return [result.initial_result.formatted, *later]


def _late(planning: Planning, ready: Ready, document: str) -> list[str]:
    """What comes at once takes no more requests or steps than when nothing else were asked."""
    switches = switches_in(parse(document)) or frozenset()
    deferring = Deferring(frozenset(name for name in switches if ready.variables.get(name, True)), 1000)
    operation = prepare_document(planning.supergraph, parse(document), None, deferring)
    alone = planning.plan(replace(operation, fields=_at_once(operation.fields), deferred=(), defers=()))
    first = ready.plan.node
    if (_requests(first), _steps(first)) > (_requests(alone.node), _steps(alone.node)):
        return [f"what comes at once takes more requests than alone:\n{render(alone)}"]
    return []


def _at_once(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields without what is deferred; where that is for some types only, the type has to be known at once."""
    kept = [
        field if field is ITSELF else replace(field, selections=_at_once(field.selections), defers=())
        for field in fields
        if field.part == FIRST
    ]
    if any(field.part != FIRST and field.types for field in fields):
        kept.append(Field("type", "__typename", "", frozenset(), "String"))
    return tuple(kept)


def _requests(node: Node | None) -> int:
    match node:
        case Sequence(nodes) | Parallel(nodes):
            return sum(map(_requests, nodes))
        case None:
            return 0
        case _:
            return 1


def _steps(node: Node | None) -> int:
    match node:
        case Sequence(nodes):
            return sum(map(_steps, nodes))
        case Parallel(nodes):
            return max(map(_steps, nodes))
        case None:
            return 0
        case _:
            return 1


def _differences(expected: list[Json], given: list[Json]) -> list[str]:
    """What differs between two runs in the spelling with announcements; the order of pieces may."""
    found = []
    if expected[0]["data"] != given[0]["data"]:
        found.append("the first answers differ")
    if announced(expected[:1]) != announced(given[:1]):
        found.append(f"announced at first: {announced(expected[:1])}, {announced(given[:1])}")
    if _outcomes(expected) != _outcomes(given):
        found.append(f"what became of the fragments: {_outcomes(expected)}, {_outcomes(given)}")
    if joined(expected) != joined(given):
        found.append(f"all pieces together: {joined(expected)}, {joined(given)}")
    # Of errors that take one object along, which are met beside the first is chance.
    missing = {each for each in _error_places(expected) - _error_places(given) if not _is_lost(joined(given), each)}
    if missing:
        found.append(f"errors not told: {missing}")
    if [each.get("hasNext", False) for each in given] != [True] * (len(given) - 1) + [False]:
        found.append("the end is not where it says")
    return found


def _differences_by_paths(undeferred: Json, given: list[Json], pending: list[Json]) -> list[str]:
    found = []
    if given[0]["data"] != pending[0]["data"]:
        found.append("the first answers differ between the spellings")
    if not undeferred.get("errors") and joined_by_paths(given) != undeferred["data"]:
        found.append(f"by paths: {joined_by_paths(given)}, undeferred: {undeferred['data']}")
    if [each.get("hasNext", False) for each in given] != [True] * (len(given) - 1) + [False]:
        found.append("the end is not where it says")
    return found


def joined(pieces: Iterable[Json]) -> Json:
    """What a client has in the end, from pieces with announcements."""
    data: Json = None
    paths: dict[str, list[Json]] = {}
    for number, piece in enumerate(pieces):
        if number == 0:
            data = deepcopy(piece["data"])
        for each in piece.get("pending", ()):
            assert each["id"] not in paths, "an id comes twice"
            paths[each["id"]] = each["path"]
        for each in piece.get("incremental", ()):
            place = _at(data, [*paths[each["id"]], *each.get("subPath", ())])
            if "items" in each:
                place += deepcopy(each["items"])
            else:
                _add(place, deepcopy(each["data"]), once=True)
    return data


def joined_by_paths(pieces: Iterable[Json]) -> Json:
    """What a client has in the end, from pieces with paths."""
    data: Json = None
    for number, piece in enumerate(pieces):
        if number == 0:
            data = deepcopy(piece["data"])
        for each in piece.get("incremental", ()):
            if each.get("items") is not None:
                items = _at(data, each["path"][:-1])
                assert len(items) == each["path"][-1], "items that are not the next ones"
                items += deepcopy(each["items"])
            elif each.get("data") is not None:
                _add(_at(data, each["path"]), deepcopy(each["data"]), once=False)
    return data


def _at(data: Json, path: Iterable[Json]) -> Json:
    for step in path:
        data = data[step]
    return data


def _add(held: Json, given: Json, once: bool) -> None:
    for key, value in given.items():
        if key not in held:
            held[key] = value
            continue
        assert not once, f"{key} comes twice"
        if isinstance(value, dict):
            _add(held[key], value, once)
        elif isinstance(value, list):
            # Of a streamed list the older spelling sends again what came at once.
            for old, new in zip(held[key], value, strict=once):
                _add_item(old, new, once)


def _add_item(old: Json, new: Json, once: bool) -> None:
    if isinstance(new, dict):
        _add(old, new, once)
    elif isinstance(new, list):
        for one, other in zip(old, new, strict=True):
            _add_item(one, other, once)


def announced(pieces: Iterable[Json]) -> list[Json]:
    """Each once: graphql-core announces a @defer in a named fragment that is spread twice, too."""
    return _once(str((each["path"], each.get("label"))) for piece in pieces for each in piece.get("pending", ()))


def _outcomes(pieces: Iterable[Json]) -> list[Json]:
    """Of each fragment that was announced, whether it came or failed.

    Those within others that came are left out: they are announced only if nobody else brought their fields before.
    """
    names: dict[str, str] = {}
    within: set[str] = set()
    found = []
    for number, piece in enumerate(pieces):
        for each in piece.get("pending", ()):
            names[each["id"]] = f"{each.get('label')} at {each['path']}"
            within |= {each["id"]} if number else set()
        for each in piece.get("completed", ()):
            name = names.pop(each["id"])
            if each.get("errors") or each["id"] not in within:
                found.append(f"{name} {'failed' if each.get('errors') else 'came'}")
    assert not names, f"never completed: {names}"
    return _once(found)


def _once(texts: Iterable[str]) -> list[str]:
    return sorted(set(texts))


def _is_lost(data: Json, path: tuple[Json, ...]) -> bool:
    """Whether what stands around the place is null, or never came."""
    try:
        return is_gone(data, path)
    except (KeyError, IndexError):
        return True


def _error_places(pieces: Iterable[Json]) -> set[tuple[Json, ...]]:
    """Where errors stand, but for those of failed fragments, of which graphql-core tells the first only."""
    return {
        tuple(error.get("path") or ())
        for piece in pieces
        for holder in (piece, *piece.get("incremental", ()))
        for error in holder.get("errors") or ()
    }
