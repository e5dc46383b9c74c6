"""Compiled operations answer as graphql-core does, call each resolver once, and can be switched off."""

from typing import Any

import pytest
from graphql import parse, subscribe

from subgraphs.serving.compiled.executor import CompiledExecutor
from subgraphs.serving.process import SettingUnknown, read_settings
from tests.subgraphs.serving.compiled.works import asked, assert_same, executor_of, schemas
from tests.subgraphs.serving.example import caller_token, example_subgraph, schema

ENVIRONMENT = dict.fromkeys(
    ["DATABASE_URL", "REDIS_URL", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"], "x"
)


async def test_errors_stand_where_graphql_core_has_them() -> None:
    data, errors, _ = await assert_same("{ parts { name weight count colour inner { name } slowly } }")
    assert data == {"parts": [{"name": "a", "weight": 1.5, "count": None, "colour": "RED", "slowly": "a",
                               "inner": [{"name": "a.0"}, {"name": "a.1"}]}, None]}  # fmt: skip
    assert [path for _, path, _, _ in errors] == [["parts", 1, "weight"]]


async def test_null_at_the_root_is_no_data() -> None:
    data, errors, _ = await assert_same("{ parts { name } nothing }")
    assert data is None
    assert errors[0][0] == "Cannot return null for non-nullable field Query.nothing."


async def test_an_error_calls_no_resolver_again() -> None:
    _, errors, calls = await assert_same("{ parts { twice slowly } }")
    assert errors
    assert sorted(calls) == ["slowly a", "slowly b", "twice a", "twice b"]


async def test_mutations_run_once_and_one_after_the_other() -> None:
    _, _, calls = await assert_same(
        'mutation { one: make(name: "1") { weight inner { name } } two: make(name: "2") { name } }'
    )
    assert calls == ["begin 1", "end 1", "begin 2", "end 2"]


async def test_a_list_given_to_a_resolver_is_its_own_each_time() -> None:
    data, _, _ = await assert_same(
        "query($to: [Int!]!) { parts { add(to: $to) inner { add(to: [1, 2]) } } }", {"to": [7]}
    )
    assert [part["add"] for part in data["parts"]] == [2, 2]


async def test_arguments_follow_the_variables_of_each_request() -> None:
    _, ours = schemas()
    document = parse("query($n: Int) { parts { twice(n: $n, colour: RED) } }")
    for n in (3, 4, 3):
        data, _, _ = await asked(ours, document, {"n": n})
        assert data["parts"][0] == {"twice": f"{n} RED"}


async def test_permissions_and_fields_of_other_kinds_are_called_as_declared() -> None:
    data, errors, _ = await assert_same("{ parts { loud secret } }")
    assert data["parts"] == [{"loud": "X", "secret": None}, {"loud": "Y", "secret": None}]
    assert [error[0] for error in errors] == ["Not for you.", "Not for you."]


async def test_a_subgraph_compiles_unless_it_is_switched_off() -> None:
    runs = []
    for is_on in (True, False):
        schema.run_compiled(is_on)
        executor = schema.execution_context_class
        for _ in range(3):
            answer = await example_subgraph().execute("{ who }", {}, None, caller_token())
            assert answer == {"data": {"who": "Ada"}}
        runs.append(issubclass(executor, CompiledExecutor) and executor.operations.runs_compiled > 0)
    schema.run_compiled(True)
    assert runs == [True, False]


def test_the_setting_says_what_it_may_be() -> None:
    assert read_settings(ENVIRONMENT).is_compiled
    assert not read_settings(ENVIRONMENT | {"SUBGRAPH_EXECUTOR": "graphql-core"}).is_compiled
    with pytest.raises(SettingUnknown, match="SUBGRAPH_EXECUTOR is 'fast'; set it to compiled or graphql-core"):
        read_settings(ENVIRONMENT | {"SUBGRAPH_EXECUTOR": "fast"})


async def test_each_event_of_a_subscription_is_a_root_of_its_own() -> None:
    _, ours = schemas()
    events: Any = await subscribe(
        ours._schema,
        parse("subscription { came { name event } }"),
        executor_class=executor_of(ours),
        operation_extensions=None,
    )
    assert [event.data["came"] async for event in events] == [{"name": "a", "event": "a"}, {"name": "b", "event": "b"}]
    assert executor_of(ours).operations.runs_compiled == 2


async def test_every_schema_has_a_cache_of_its_own() -> None:
    _, one = schemas()
    _, other = schemas()
    await asked(one, "{ parts { name } }")
    assert (len(executor_of(one).operations), len(executor_of(other).operations)) == (1, 0)
