"""One operation through a hosted schema: data, refusals, problems, entities, streams."""

import logging

import pytest

from subgraphs.serving.global_ids import global_id
from subgraphs.serving.schema import sdl_of
from tests.subgraphs.serving.example import TENANT, Clock, caller_token, example_subgraph, new_lamp_id, schema


async def test_the_caller_comes_from_the_signed_token() -> None:
    answer = await example_subgraph().execute("{ who }", {}, None, caller_token())
    assert answer == {"data": {"who": "Ada"}}


async def test_without_a_token_a_field_that_needs_a_caller_is_unauthenticated() -> None:
    answer = await example_subgraph().execute("{ who }", {}, None, None)
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "traceId": "trace-1"}


async def test_a_scope_opens_what_its_absence_closes() -> None:
    subgraph = example_subgraph()
    closed = await subgraph.execute("{ guarded }", {}, None, caller_token())
    assert closed["data"] == {"guarded": None}
    assert closed["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    opened = await subgraph.execute("{ guarded }", {}, None, caller_token(scopes=["lamps:read"]))
    assert opened == {"data": {"guarded": "seen"}}


async def test_what_is_unexpected_is_masked_and_logged_under_the_trace_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await example_subgraph().execute("{ broken }", {}, None, None)
    assert answer["errors"] == [
        {
            "message": "Something failed on our side; the trace id finds it in the log.",
            "locations": [{"line": 1, "column": 3}],
            "path": ["broken"],
            "extensions": {"code": "INTERNAL", "traceId": "trace-1"},
        }
    ]
    assert "trace-1" in caplog.text
    assert "swordfish" in caplog.text


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("{ ", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ticks }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ choosy }", {}, "BAD_USER_INPUT"),
        ("query($id: ID!) { lamp(id: $id) { id } }", {}, "BAD_USER_INPUT"),
        ('{ echo(at: "yesterday", hash: "ab", where: [1]) }', {}, "GRAPHQL_VALIDATION_FAILED"),
        (
            "query($at: DateTime!, $hash: SHA256!, $where: Vec3!) { echo(at: $at, hash: $hash, where: $where) }",
            {"at": "2026-01-31T12:00:00", "hash": "ab" * 32, "where": [1, 2, 3]},
            "BAD_USER_INPUT",
        ),
        ('{ lamp(id: "made up") { id } }', {}, "NOT_FOUND"),
    ],
)
async def test_each_failure_has_its_code_of_the_closed_list(
    document: str, variables: dict[str, object], code: str
) -> None:
    answer = await example_subgraph().execute(document, variables, None, None)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {code}


async def test_scalars_have_one_form() -> None:
    answer = await example_subgraph().execute(
        "query($at: DateTime!, $hash: SHA256!, $where: Vec3!) "
        "{ corner noon echo(at: $at, hash: $hash, where: $where) }",
        {"at": "2026-01-31T13:00:00+01:00", "hash": "ab" * 32, "where": [1, 2, 3]},
        None,
        None,
    )
    assert answer == {
        "data": {
            "corner": [1.0, 2.5, -3.0],
            "noon": "2026-01-31T12:00:00Z",
            "echo": "2026-01-31T12:00:00+00:00 abab (1.0, 2.0, 3.0)",
        }
    }


LIGHT = (
    "mutation($how: String!) { light(how: $how) { __typename ... on Problem { code message path retryable } "
    "... on LampBurnt { hours } } }"
)


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("well", {"__typename": "Lamp"}),
        (
            "burnt",
            {
                "__typename": "LampBurnt",
                "code": "LAMP_BURNT",
                "message": "The lamp burnt out after 900 hours; put in a new one.",
                "path": ["input", "lamp"],
                "retryable": False,
                "hours": 900,
            },
        ),
        (
            "conflict",
            {
                "__typename": "ConflictProblem",
                "code": "CONFLICT",
                "message": "The lamp is lit already.",
                "path": [],
                "retryable": False,
            },
        ),
        (
            "absent",
            {
                "__typename": "NotFoundProblem",
                "code": "NOT_FOUND",
                "message": "No such Lamp.",
                "path": ["input", "id"],
                "retryable": False,
            },
        ),
    ],
)
async def test_a_refusal_that_the_union_knows_is_data(how: str, outcome: dict[str, object]) -> None:
    answer = await example_subgraph().execute(LIGHT, {"how": how}, None, None)
    assert answer == {"data": {"light": outcome}}


async def test_one_unknown_entity_costs_only_itself() -> None:
    known = new_lamp_id()
    answer = await example_subgraph().execute(
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Lamp { id colour } } }",
        {
            "r": [
                {"__typename": "Lamp", "id": known},
                {"__typename": "Lamp", "id": global_id("Socket", TENANT)},
            ]
        },
        None,
        None,
    )
    assert answer["data"] == {"_entities": [{"id": known, "colour": "green"}, None]}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["_entities", 1], "NOT_FOUND")
    ]


async def test_representations_stay_as_the_gateway_made_them() -> None:
    representations = [{"__typename": "Lamp", "id": new_lamp_id()}]
    before = [dict(one) for one in representations]
    document = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    await example_subgraph().execute(document, {"r": representations}, None, None)
    assert representations == before


async def test_a_subscription_streams_and_then_closes_its_source() -> None:
    clock = Clock(ticks=3)
    events = [event async for event in example_subgraph(clock).subscribe("subscription { ticks }", {}, None, None)]
    assert events == [{"data": {"ticks": 0}}, {"data": {"ticks": 1}}, {"data": {"ticks": 2}}]
    assert clock.closed


async def test_leaving_a_subscription_early_closes_its_source() -> None:
    clock = Clock(ticks=1000)
    stream = example_subgraph(clock).subscribe("subscription { ticks }", {}, None, None)
    assert await anext(stream) == {"data": {"ticks": 0}}
    assert not clock.closed
    await stream.aclose()
    assert clock.closed


async def test_a_stream_that_is_refused_midway_says_so() -> None:
    stream = example_subgraph().subscribe("subscription { ticks(failAt: 1) }", {}, None, None)
    events = [event async for event in stream]
    assert events[0] == {"data": {"ticks": 0}}
    assert events[1]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_the_sdl_prints_the_same_each_time_and_links_federation() -> None:
    text = sdl_of(schema)
    assert text == sdl_of(schema)
    assert 'url: "https://specs.apollo.dev/federation/v2.9"' in text
    assert 'type Lamp @key(fields: "id")' in text
