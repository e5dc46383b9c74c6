"""Which operations are compiled, which are left to graphql-core, and how much is kept."""

from typing import Any

import pytest
from graphql import AbortController, DocumentNode, parse
from graphql.pyutils.is_awaitable import is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionResult

from subgraphs.serving.compiled import operations, selections
from tests.subgraphs.serving.compiled.works import CALLS, Watching, asked, assert_same, executor_of, schemas


async def runs(document: str | DocumentNode, times: int = 2, compile_at: int = 1, **more: Any) -> tuple[int, int]:
    """How often it ran compiled, and how often it was left."""
    _, ours = schemas(compile_at)
    parsed = parse(document) if isinstance(document, str) else document
    for _ in range(times):
        await asked(ours, parsed, **more)
    found = executor_of(ours).operations
    return found.runs_compiled, found.runs_left


async def test_what_comes_once_is_not_compiled() -> None:
    assert await runs("{ parts { name } }", times=5, compile_at=2) == (4, 1)


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Part") { name } }',
        "{ parts { name } ...On } fragment On on Query { __schema { queryType { name } } }",
        "{ ... @defer(if: false) { parts { name } } }",
        "{ parts @stream(if: false, initialCount: 1) { name } }",
    ],
)
async def test_introspection_and_parts_that_come_later_are_left(document: str) -> None:
    assert await runs(document) == (0, 2)


async def test_fragments_with_variables_are_left() -> None:
    text = "{ ...P(n: 3) } fragment P($n: Int) on Query { parts { twice(n: $n) } }"
    assert await runs(parse(text, experimental_fragment_arguments=True)) == (0, 2)


async def test_an_execution_that_can_be_aborted_is_left() -> None:
    assert await runs("{ parts { name } }", abort_signal=AbortController().signal) == (0, 2)


async def test_an_execution_with_a_predicate_of_its_own_is_left() -> None:
    assert await runs("{ parts { name } }", is_awaitable=lambda value: is_awaitable(value)) == (0, 2)


async def test_middleware_sees_every_field() -> None:
    _, ours = schemas(extensions=[Watching])
    for _ in range(2):
        CALLS.clear()
        answer = await ours.execute("{ parts { name } }")
        assert isinstance(answer, ExecutionResult)
        assert CALLS == ["watched parts", "watched name", "watched name"]


async def test_each_set_of_conditions_is_compiled_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    document = parse("query($a: Boolean!, $b: Boolean = true) { parts { name @skip(if: $a) colour @include(if: $b) } }")
    plain, ours = schemas()
    for given in ({"a": False}, {"a": True}, {"a": False, "b": False}, {"a": False, "b": True}, {"a": False}):
        assert await asked(ours, document, given) == await asked(plain, document, given)
    assert executor_of(ours).operations.runs_compiled == 5
    monkeypatch.setattr(operations, "MOST_VARIANTS", 3)
    await asked(ours, document, {"a": True, "b": False})
    assert executor_of(ours).operations.runs_left == 1


async def test_only_so_many_operations_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_OPERATIONS", 2)
    _, ours = schemas()
    documents = [parse(f"{{ p{number}: parts {{ name }} }}") for number in range(4)]
    for document in documents:
        await asked(ours, document)
    assert len(executor_of(ours).operations) == 2


async def test_only_so_many_fields_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_FIELDS", 5)
    _, ours = schemas()
    for number in range(4):
        document = parse(f"{{ p{number}: parts {{ name weight }} }}")
        for _ in range(2):
            await asked(ours, document)
    # The newest may still grow; it makes room when the next one comes.
    assert len(executor_of(ours).operations) == 2


async def test_one_operation_with_other_fragments_is_another() -> None:
    plain, ours = schemas()
    first = parse("{ ...P } fragment P on Query { parts { name } }")
    second = parse("{ ...P } fragment P on Query { parts { colour } }")
    mixed = DocumentNode(definitions=(first.definitions[0], second.definitions[1]))
    for document in (first, mixed, first):
        assert await asked(ours, document) == await asked(plain, document)


async def test_fragments_that_multiply_are_compiled_so_far_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "MOST_FIELDS", 20)
    depth = 5
    named = " ".join(f"fragment F{n} on Part {{ a: inner {{ ...F{n + 1} }} b: inner {{ ...F{n + 1} }} }}"
                     for n in range(depth))  # fmt: skip
    document = f"{{ parts {{ ...F0 }} }} {named} fragment F{depth} on Part {{ name }}"
    await assert_same(document)
    _, ours = schemas()
    parsed = parse(document)
    for _ in range(3):
        await asked(ours, parsed)
    compiled = next(iter(executor_of(ours).operations._known.values())).variants[()]
    assert compiled is not None
    assert len(compiled.source) <= 20


async def test_a_selection_too_wide_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "MOST_FIELDS", 2)
    assert await runs("{ a: parts { name } b: parts { name } c: parts { name } }") == (0, 2)


async def test_names_of_a_document_are_only_text_to_the_code() -> None:
    await assert_same("{ results: parts { later: name path: weight v: colour None: inner { error: name ex: twice } } }")


async def test_another_way_to_read_attributes_is_kept() -> None:
    def reading(source: object, name: str) -> object:
        CALLS.append(f"read {name}")
        return getattr(source, name)

    _, _, calls = await assert_same("{ parts { name } }", config=StrawberryConfig(default_resolver=reading))
    assert calls == ["read name", "read name"]
