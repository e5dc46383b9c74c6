"""One fetch of a plan: make the request, send it, put the answer and its errors where they belong in the tree.

Raises nothing for what a subgraph does: a failure becomes an entry of `Failures`, and nulls only what this fetch had
to give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import msgspec
from msgspec import Struct, field

from gateway.client.answer import answer_from_value, answer_from_wire
from gateway.client.operation_scope import OperationScope
from gateway.client.protocol import AnswerError, SubgraphAnswer, SubgraphClient, SubgraphRequest, WireAnswer
from gateway.errors import ErrorCode, SubgraphFailed
from gateway.execution.answer_paths import Batches, entity_filled_by, entity_keys, filled_by, tree_paths
from gateway.execution.caller import Caller
from gateway.execution.contexts import keys_taking, spread
from gateway.execution.failures import Cause, Failures
from gateway.execution.given_fields import NO_KEYS, Keys
from gateway.execution.known_objects import KnownObjects
from gateway.execution.later_items import Window
from gateway.execution.merge import copy_of, merge_into, rename_in
from gateway.execution.places import TreePath
from gateway.execution.reporting import code_from
from gateway.execution.representations import Batch, batches_for
from gateway.execution.sent import Sent
from gateway.plan.nodes import EntityInput, Fetch


class State(Struct):
    """One execution under way: the response tree and what went wrong so far.

    window: the fetches are about some places only. sent: what was asked before this execution began.
    known: of what subgraphs have told, what is not asked again.
    """

    variables: Mapping[str, object]
    caller: Caller
    tree: dict[str, object]
    failures: Failures
    scope: OperationScope | None = None
    window: Window | None = None
    sent: Sent | None = None
    known: KnownObjects = field(default_factory=KnownObjects)

    def __post_init__(self) -> None:
        self.failures.know(self.tree, self.variables)


async def run_fetch(state: State, fetch: Fetch, client: SubgraphClient) -> None:
    batches: Batches = []
    if fetch.inputs:
        fetch, batches = _asked_of_entities(state, fetch)
        if not any(batch.owners for _, batch in batches):
            return
    elif state.window is not None and state.window.later:
        return
    try:
        answer = await _answer(state, fetch, request_for(state, fetch, batches), client)
    except SubgraphFailed as failure:
        cause = Cause(fetch.id, failure.code, str(failure), fetch.subgraph)
        for path, below in filled_by(fetch, batches):
            state.failures.report_lost(path, cause, below)
        return
    take_answer(state, fetch, batches, answer)


async def _answer(state: State, fetch: Fetch, request: SubgraphRequest, client: SubgraphClient) -> SubgraphAnswer:
    already = state.sent.answer_to(fetch.id, request) if state.sent is not None else None
    if already is None:
        return await client.request(request)
    answer = await already
    if isinstance(answer, WireAnswer):
        return answer_from_wire(fetch.subgraph, answer)
    return answer_from_value(fetch.subgraph, answer)


def _asked_of_entities(state: State, fetch: Fetch) -> tuple[Fetch, Batches]:
    """The objects that the fetch is about, and the fetch as it asks about them all."""

    def is_lost(path: TreePath) -> bool:
        return state.failures.cause_of(path) is not None

    state.failures.know_inputs(fetch.inputs)
    found = {wanted.alias: batches_for(state.tree, wanted, is_lost, state.window) for wanted in fetch.inputs}
    for wanted in fetch.inputs:
        for batch in found[wanted.alias]:
            _pass_on_losses(state.failures, fetch, wanted, batch)
        if wanted.contexts:
            found[wanted.alias] = [
                batch for batch in found[wanted.alias] if batch.owners and _asks(fetch, wanted, batch)
            ]
        if wanted.known_at:
            found[wanted.alias] = [state.known.give(state.tree, wanted, batch) for batch in found[wanted.alias]]
    spread_out = spread(fetch, {alias: [batch.missing for batch in batches] for alias, batches in found.items()})
    return spread_out, list(zip(spread_out.inputs, chain.from_iterable(found.values()), strict=True))


def _asks(fetch: Fetch, wanted: EntityInput, batch: Batch) -> bool:
    """Whether anything is left to ask without the contexts that cannot be given."""
    return not batch.missing or keys_taking(fetch.document, wanted.alias, _variables(wanted, batch.missing))[1]


def _variables(wanted: EntityInput, numbers: Iterable[int]) -> frozenset[str]:
    return frozenset(wanted.contexts[number].variable for number in numbers)


def request_for(state: State, fetch: Fetch, batches: Batches) -> SubgraphRequest:
    variables = {name: state.variables[name] for name in fetch.variables if name in state.variables}
    for wanted, batch in batches:
        if wanted.alias:
            variables[wanted.variable] = batch.representations
        for number, (context, value) in enumerate(zip(wanted.contexts, batch.values, strict=True)):
            if number not in batch.missing:
                variables[context.variable] = value
    caller = state.caller
    return SubgraphRequest(
        fetch.document, variables, caller.token(), caller.trace_id, state.scope, caller.headers, fetch.kind, fetch.id
    )


def take_answer(state: State, fetch: Fetch, batches: Batches, answer: SubgraphAnswer) -> None:
    if any(not wanted.alias for wanted, _ in batches):
        answer = _as_one_entity(answer)
    if answer.errors:
        _report(state.failures, fetch, batches, answer.data, answer.errors)
    if answer.data is None:
        return
    if not fetch.inputs:
        rename_in(answer.data, fetch.renames)
        merge_into(state.tree, answer.data)
    for wanted, batch in batches:
        entities = answer.data.get(wanted.alias)
        if isinstance(entities, list):
            _merge_entities(fetch, batch, entities)


def _as_one_entity(answer: SubgraphAnswer) -> SubgraphAnswer:
    """The answer of a query root that stands below the root, as if it had been asked for as an entity."""
    data = None if answer.data is None else {"": [answer.data]}
    errors = [msgspec.structs.replace(error, path=["", 0, *(error.path or ())]) for error in answer.errors or ()]
    return msgspec.structs.replace(answer, data=data, errors=errors)


def _merge_entities(fetch: Fetch, batch: Batch, entities: list[object]) -> None:
    for entity, owners in zip(entities, batch.owners, strict=False):
        if not isinstance(entity, dict):
            continue
        rename_in(entity, fetch.renames)
        if not fetch.keeps_typename:
            entity.pop("__typename", None)
        for number, owner in enumerate(owners):
            merge_into(owner.object, copy_of(entity) if fetch.copies and number else entity)


def _report(
    failures: Failures,
    fetch: Fetch,
    batches: Batches,
    data: Mapping[str, object] | None,
    errors: Sequence[AnswerError],
) -> None:
    causes = [
        Cause(fetch.id, code_from(error.extensions), error.message, fetch.subgraph, error.extensions)
        for error in errors
    ]
    placed: Cause | None = None
    for error, cause in zip(errors, causes, strict=True):
        paths = list(tree_paths(fetch, batches, error.path)) if error.path else []
        for path, below in paths:
            failures.report(path, cause, below if _is_null_at(data, error.path or ()) else None)
        placed = placed or (cause if paths else None)
        if not paths and data is not None:
            failures.report(None, cause)
        _mark_null_entity(failures, fetch, batches, data, error, cause)
    if data is None:
        for path, below in filled_by(fetch, batches):
            # Where a placed error took everything along, that error says so already.
            if placed:
                failures.mark_lost(path, placed, below)
            else:
                failures.report_lost(path, causes[0], below)


def _is_null_at(value: object, path: Sequence[str | int]) -> bool:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            break
    return value is None


def _mark_null_entity(
    failures: Failures,
    fetch: Fetch,
    batches: Batches,
    data: Mapping[str, object] | None,
    error: AnswerError,
    cause: Cause,
) -> None:
    """An entity that is null because of this error loses every field it was asked for to the same cause."""
    path = error.path or []
    if not data or len(path) < 2:
        return
    for wanted, batch in batches:
        entities, index = data.get(wanted.alias), path[1]
        if wanted.alias != path[0] or not isinstance(index, int) or not 0 <= index < len(batch.owners):
            continue
        if not isinstance(entities, list) or index >= len(entities) or entities[index] is None:
            for lost, below in entity_filled_by(fetch, wanted, batch, index):
                failures.mark_lost(lost, cause, below)


def _pass_on_losses(failures: Failures, fetch: Fetch, wanted: EntityInput, batch: Batch) -> None:
    """Objects that cannot be asked about because of an earlier failure lose this fetch's fields to the same cause."""
    if not batch.left_out and not batch.missing:
        return
    keys = entity_keys(fetch, wanted)
    for place, missing in batch.left_out:
        cause = failures.cause_of(missing)
        if cause is not None:
            for key, below in keys.items():
                failures.report_lost((*place.path, key), cause, below)
    if batch.missing:
        _report_ungiven(failures, fetch, wanted, batch, keys)


def _report_ungiven(failures: Failures, fetch: Fetch, wanted: EntityInput, batch: Batch, keys: Keys) -> None:
    """Fields that cannot be given what they take from above: each is lost to the first of its reasons."""
    unfit = Cause(fetch.id, ErrorCode.INTERNAL, "An argument that comes from above may not be null.", fetch.subgraph)
    unset = Cause(fetch.id, ErrorCode.BAD_USER_INPUT, "Nothing above sets what this field needs.", fetch.subgraph)
    taking: dict[str, int] = {}
    for number in sorted(batch.missing):
        for key in keys_taking(fetch.document, wanted.alias, _variables(wanted, (number,)))[0]:
            taking.setdefault(key, number)
    for place, missing in batch.ungiven:
        for key, number in taking.items():
            reason = missing[number]
            cause = unset if reason.is_unset else failures.cause_of(reason.path) or unfit
            failures.report_lost((*place.path, key), cause, keys.get(key, NO_KEYS))
