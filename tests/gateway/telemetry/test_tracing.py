"""Spans: what a collector gets, and what subgraphs are told, whichever way an operation runs."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.settings import (
    HeaderSettings,
    HttpSettings,
    MetricsSettings,
    RequestRule,
    Settings,
    SubgraphSettings,
    TelemetrySettings,
    TracingSettings,
)
from gateway.settings_file import SettingsUnreadable, settings_of
from gateway.telemetry.entry import new_entry
from gateway.telemetry.spans import Span
from gateway.telemetry.trace_context import Parent, parent_in
from gateway.telemetry.tracer import Tracer
from gateway.traffic_settings import GuardSettings, RetrySettings
from infra.local.platform import any_free_port
from tests.federation.harness.suite import suite_named
from tests.gateway.client.raw_server import KINDS, Kind
from tests.gateway.client.upstream import Upstream
from tests.gateway.http.keys import KEY, bearer, write_keys
from tests.gateway.http.test_websocket import ask, heard, introduced
from tests.gateway.telemetry.collector import Collector, collecting
from tests.gateway.telemetry.observed import DEEP, PLAIN, Observed, observed
from tests.gateway.test_reload import Publisher

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
PREPARED = {"prepare": ["parse and validate", "plan"]}


def tracing(collector: Collector, **other: Any) -> TelemetrySettings:
    return TelemetrySettings(tracing=TracingSettings(collector.url, every_s=0.05, **other))


def told(gateway: Observed, subgraph: str) -> list[str]:
    return [headers["traceparent"] for name, headers in gateway.subgraphs.heard if name == subgraph]


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("compile_after", [None, 0], ids=["generic", "program"])
async def test_spans_are_a_tree_whose_fetches_subgraphs_know(client: Kind, compile_after: int | None) -> None:
    async with collecting() as collector:
        settings, subgraphs = Settings(compile_after=compile_after), SubgraphSettings(client=client)
        async with observed(settings, tracing(collector), subgraphs=subgraphs) as gateway:
            answer = await gateway.ask(DEEP, {"traceparent": SAMPLED, "tracestate": "a=1,b=2"}, operationName="Deep")
            assert "errors" not in answer
            await collector.has(7)
            heard = dict(gateway.subgraphs.heard)
        fetches = ["fetch products", "fetch reviews", "fetch users"]
        assert collector.tree() == {"": ["query"], "query": [*fetches, "prepare"], **PREPARED}
        root = collector.one("query")
        assert (root.trace_id, root.parent_span_id, root.kind, root.trace_state) == (TRACE, PARENT, 2, "a=1,b=2")
        assert (root["graphql.operation.name"], root["http.response.status_code"]) == ("Deep", 200)
        assert not root.has("gateway.executed") if compile_after is None else root["gateway.executed"] == "program"
        assert root["gateway.fetches"] == 3
        assert collector.one("prepare")["gateway.plan.cached"] is False
        ids = set()
        for name in ("products", "reviews", "users"):
            span = collector.one(f"fetch {name}")
            assert heard[name]["traceparent"] == f"00-{TRACE}-{span.span_id}-01"
            assert heard[name]["tracestate"] == "a=1,b=2"
            assert (span.trace_id, span.kind, span["gateway.subgraph.name"]) == (TRACE, 3, name)
            assert (span["http.response.status_code"], span.status.code) == (200, 0)
            ids.add(span["gateway.fetch.id"])
        assert len(ids) == 3
        assert collector.traces() == {TRACE: 7}


async def test_subgraphs_in_the_process_have_spans_of_their_own() -> None:
    async with collecting() as collector:
        settings, hosted = Settings(compile_after=0), suite_named("shop").subgraphs
        async with observed(settings, telemetry=tracing(collector), hosted=hosted) as gateway:
            for _ in range(2):
                await gateway.ask(DEEP)
            await collector.has(7 + 5)
        assert len(collector.named("fetch users")) == 2
        assert [span["gateway.executed"] for span in collector.named("query")] == ["program", "program"]
        assert [span["gateway.plan.cached"] for span in collector.named("prepare")] == [False, True]
        assert len(collector.traces()) == 2


@pytest.mark.parametrize(("header", "ratio", "kept"), [(SAMPLED, 0.0, 5), (UNSAMPLED, 1.0, 0), (None, 0.0, 0)])
async def test_the_clients_decision_comes_first_and_then_the_ratio(header: str | None, ratio: float, kept: int) -> None:
    async with collecting() as collector:
        async with observed(telemetry=tracing(collector, ratio=ratio)) as gateway:
            await gateway.ask(PLAIN, header and {"traceparent": header})
            await collector.has(kept)
            (parent,) = told(gateway, "users")
        assert parent.endswith("-01" if kept else "-00")
        if header:
            assert parent[3:35] == TRACE
            assert PARENT not in parent


async def test_where_clients_are_not_followed_they_decide_nothing() -> None:
    async with (
        collecting() as collector,
        observed(telemetry=tracing(collector, ratio=0.0, follows_clients=False)) as gateway,
    ):
        await gateway.ask(PLAIN, {"traceparent": SAMPLED, "tracestate": "a=1"})
        await collector.has(0)
        assert TRACE not in told(gateway, "users")[0]
        assert "tracestate" not in gateway.subgraphs.heard[0][1]


async def test_a_rule_that_passes_trace_headers_does_not_tell_subgraphs_of_two_traces() -> None:
    rules = HeaderSettings(requests=(RequestRule(matching="trace.*"), RequestRule(named="x-other")))
    seen: list[Any] = []
    upstream = Upstream(lambda _, request: _answered(seen, request))
    async with collecting() as collector, _serving(upstream) as url:
        settings = Settings(http=HttpSettings(headers=rules))
        async with observed(settings, tracing(collector), urls={"users": url}) as gateway:
            await gateway.ask(PLAIN, {"traceparent": SAMPLED, "tracestate": "a=1", "x-other": "kept"})
            await collector.has(5)
    (headers,) = seen
    assert headers.getall("traceparent") == [f"00-{TRACE}-{collector.one('fetch users').span_id}-01"]
    assert headers.getall("tracestate") == ["a=1"]
    assert headers["x-other"] == "kept"


async def test_the_trace_that_clients_are_told_is_the_one_that_is_kept() -> None:
    down = {"users": f"http://127.0.0.1:{any_free_port()}/"}
    guards = GuardSettings(retries=RetrySettings(most=1, base_s=0.001))
    async with collecting() as collector:
        telemetry, subgraphs = tracing(collector), SubgraphSettings(guards=guards)
        async with observed(telemetry=telemetry, urls=down, subgraphs=subgraphs) as gateway:
            answer = await gateway.ask(PLAIN)
            await collector.has(5)
        root, fetch = collector.one("query"), collector.one("fetch users")
        assert answer["errors"][0]["extensions"]["traceId"] == root.trace_id
        assert (root.status.code, root["error.type"]) == (2, "SUBGRAPH_UNAVAILABLE")
        assert root["gateway.errors"] == ["SUBGRAPH_UNAVAILABLE"]
        assert (fetch.status.code, fetch["error.type"]) == (2, "SUBGRAPH_UNAVAILABLE")
        assert fetch["http.request.resend_count"] == 1


async def test_what_does_not_validate_is_a_span_and_no_failure_of_ours() -> None:
    async with collecting() as collector:
        async with observed(telemetry=tracing(collector)) as gateway:
            await gateway.ask("{ nothing }")
            await collector.has(3)
        assert collector.tree() == {
            "": ["GraphQL Operation"],
            "GraphQL Operation": ["prepare"],
            "prepare": ["parse and validate"],
        }
        root = collector.one("GraphQL Operation")
        assert (root.status.code, root["gateway.errors"]) == (0, ["GRAPHQL_VALIDATION_FAILED"])
        assert collector.one("parse and validate")["error.type"] == "OperationInvalid"


async def test_a_fetch_that_joins_another_is_linked_to_what_the_subgraph_was_told() -> None:
    upstream = Upstream()
    async with collecting() as collector, _serving(upstream) as url:
        async with observed(telemetry=tracing(collector), urls={"users": url}) as gateway:
            asking = [asyncio.create_task(gateway.ask(PLAIN)) for _ in range(2)]
            await upstream.has_heard(1)
            await asyncio.sleep(0.2)
            upstream.let.set()
            await asyncio.gather(*asking)
            # Both waited for the one plan.
            await collector.has(5 + 5)
            assert len(upstream.heard) == 1
        (joined,) = [span for span in collector.named("fetch users") if span.has("gateway.fetch.shared")]
        (first,) = [span for span in collector.named("fetch users") if span is not joined]
        assert upstream.heard[0]["traceparent"] == f"00-{first.trace_id}-{first.span_id}-01"
        assert [(link.trace_id, link.span_id) for link in joined.links] == [(first.trace_id, first.span_id)]
        assert joined.trace_id != first.trace_id


async def test_a_client_that_leaves_ends_its_spans() -> None:
    upstream = Upstream()
    async with collecting() as collector, _serving(upstream) as url:
        async with observed(telemetry=tracing(collector), urls={"users": url}) as gateway:
            asking = asyncio.create_task(gateway.ask(PLAIN))
            await upstream.has_heard(1)
            asking.cancel()
            await collector.has(5)
        assert collector.one("fetch users")["error.type"] == "cancelled"
        assert collector.one("query")["http.response.status_code"] == 499


async def test_each_event_of_a_subscription_is_a_trace_that_is_linked_to_it() -> None:
    publisher = Publisher(suite_named("shop"))
    async with collecting() as collector:
        async with (
            observed(telemetry=tracing(collector), hosted={"reviews": publisher}) as gateway,
            introduced(str(gateway.session._base_url).rstrip("/")) as socket,
        ):
            await ask(socket, "subscription { reviewed { stars author { name } } }")
            await publisher.until_opened(1)
            for stars in (1, 2):
                publisher.publish(stars)
                await heard(socket)
            await collector.has(3 + 2 * 2)
            parents = told(gateway, "users")
            await socket.close()
            await collector.has(3 + 2 * 2 + 1)
        events, fetches = collector.named("subscription event"), collector.named("fetch users")
        subscription = collector.one("subscription")
        assert [fetch.parent_span_id for fetch in fetches] == [event.span_id for event in events]
        assert parents == [f"00-{fetch.trace_id}-{fetch.span_id}-01" for fetch in fetches]
        assert [(link.trace_id, link.span_id) for event in events for link in event.links] == [
            (subscription.trace_id, subscription.span_id)
        ] * 2
        assert len({event.trace_id for event in events} | {subscription.trace_id}) == 3
        assert subscription["gateway.fetches"] == 2


async def test_tokens_variables_and_texts_are_in_no_span(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys.json", KEY)
    (tmp_path / "collector").write_text("Bearer for-the-collector\n")
    settings = settings_of(None, {"tokens": {"jwks": str(tmp_path / "keys.json")}})
    caller, query = (
        bearer(),
        'query Secret($id: ID!) { product(id: $id) { name } other: product(id: "secret-2") { id } }',
    )
    async with collecting() as collector:
        telemetry = tracing(collector, authorization=tmp_path / "collector")
        async with observed(settings, telemetry) as gateway:
            answer = await gateway.ask(query, caller, variables={"id": "secret-1"}, operationName="Secret")
            assert "errors" not in answer
            await gateway.ask('{ nothing(of: "secret-3") }', caller)
            async with asyncio.timeout(5):
                while len(collector.traces()) < 2:
                    await asyncio.sleep(0.01)
        body = b"".join(collector.bodies)
        assert b"Secret" in body
        assert caller["Authorization"].split()[1].encode() not in body
        assert b"secret-" not in body
        assert collector.headers[0]["Authorization"] == "Bearer for-the-collector"


async def test_a_collector_that_is_down_costs_spans_and_nothing_else() -> None:
    url, port = f"http://127.0.0.1:{any_free_port()}/v1/traces", any_free_port()
    telemetry = TelemetrySettings(
        metrics=MetricsSettings(port), tracing=TracingSettings(url, every_s=0.02, max_waiting=20)
    )
    async with observed(telemetry=telemetry) as gateway:
        for _ in range(20):
            assert await gateway.ask(PLAIN) == {"data": {"me": {"name": "Ada"}}}
        page = await gateway.page()
    # 5 + 19 * 3 spans: twenty may wait, and as many are under way.
    assert page['gateway_spans_total{result="exported"}'] == 0
    assert page['gateway_spans_total{result="dropped"}'] >= 5 + 19 * 3 - 20 - 20


async def test_a_slow_collector_holds_up_no_request_and_the_end_only_shortly() -> None:
    async def never(_: int) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with collecting(never) as collector:
        async with observed(telemetry=tracing(collector, max_waiting=30)) as gateway:
            await gateway.ask(PLAIN)
            async with asyncio.timeout(5):
                while not collector.bodies:
                    await asyncio.sleep(0.01)
                for _ in range(50):
                    await gateway.ask(PLAIN)
            counts = gateway.app.state.gateway.pipeline.observers.tracer.counts
            assert counts.dropped == 50 * 3 - 30
            ending = time.monotonic()
        assert time.monotonic() - ending < 6
        assert (counts.exported, counts.dropped) == (0, 5 + 50 * 3)


async def test_what_a_collector_cannot_take_now_comes_again_and_what_it_refuses_does_not() -> None:
    refuses = False

    async def moody(number: int) -> web.Response:
        return web.Response(status=400 if refuses else {1: 503, 2: 429}.get(number, 200))

    async with collecting(moody) as collector:
        async with observed(telemetry=tracing(collector)) as gateway:
            await gateway.ask(PLAIN)
            await collector.has(5)
            # On a slow machine a request's spans go out in several bodies; the first one comes three times.
            assert collector.bodies[0] == collector.bodies[1] == collector.bodies[2]
            taken = len(collector.bodies)
            assert len(set(collector.bodies)) == taken - 2
            refuses = True
            await gateway.ask(PLAIN)
            counts = gateway.app.state.gateway.pipeline.observers.tracer.counts
            async with asyncio.timeout(5):
                while counts.dropped < 3:
                    await asyncio.sleep(0.01)
        assert (counts.exported, counts.dropped) == (5, 3)
        assert len(set(collector.bodies)) == len(collector.bodies) - 2 > taken - 2


async def test_what_waits_is_sent_when_the_gateway_ends() -> None:
    async with collecting() as collector:
        settings = TelemetrySettings(tracing=TracingSettings(collector.url, every_s=60))
        async with observed(telemetry=settings) as gateway:
            await gateway.ask(PLAIN)
            assert collector.spans == []
        assert len(collector.spans) == 5


@pytest.mark.parametrize(
    ("headers", "parent"),
    [
        ([SAMPLED], Parent(TRACE, PARENT, True)),
        ([f"00-{TRACE}-{PARENT}-fe"], Parent(TRACE, PARENT, False)),
        ([f"cc-{TRACE}-{PARENT}-01-what-is-to-come"], Parent(TRACE, PARENT, True)),
        ([f"00-{TRACE}-{PARENT}-01-more"], None),
        ([f"ff-{TRACE}-{PARENT}-01"], None),
        ([f"00-{'0' * 32}-{PARENT}-01"], None),
        ([f"00-{TRACE}-{'0' * 16}-01"], None),
        ([SAMPLED.upper()], None),
        ([SAMPLED + "\n"], None),
        ([SAMPLED, SAMPLED], None),
        ([""], None),
        ([], None),
    ],
)
def test_a_parent_is_read_as_the_recommendation_says(headers: list[str], parent: Parent | None) -> None:
    assert parent_in([(b"traceparent", each.encode()) for each in headers]) == parent


@pytest.mark.parametrize(
    ("states", "state"),
    [(["a=1", "b=2"], "a=1,b=2"), (["x" * 513], None), (["a=\x7f"], None), (["a=1\r\nEvil: 1"], None), ([""], None)],
)
def test_a_state_is_passed_on_only_as_a_header_can_say_it(states: list[str], state: str | None) -> None:
    headers = [(b"traceparent", SAMPLED.encode()), *((b"tracestate", each.encode()) for each in states)]
    found = parent_in(headers)
    assert found is not None
    assert found.state == state


def test_so_many_requests_are_kept_as_the_ratio_says() -> None:
    kept: list[Span] = []
    numbers = iter(_spread(10_000))
    tracer = Tracer(0.01, True, kept.append, lambda bits: next(numbers) if bits == 128 else 7)
    for _ in range(10_000):
        entry = new_entry("http")
        tracer.begin(entry)
        tracer.end(entry)
    assert len(kept) == 100


@pytest.mark.parametrize(
    "bad", [{"ratio": 1.5}, {"ratio": -0.1}, {"endpoint": "collector:4317"}, {"endpoint": "http://"}]
)
def test_settings_that_mean_nothing_are_refused_with_their_place(bad: dict[str, object]) -> None:
    with pytest.raises(SettingsUnreadable, match=r"telemetry\.tracing"):
        settings_of(None, {"telemetry": {"tracing": bad}})


def _spread(most: int) -> list[int]:
    """Numbers whose lower 64 bits are spread evenly."""
    return [(1 << 64) + (2 * number + 1) * (1 << 64) // (2 * most) for number in range(most)]


async def _answered(seen: list[Any], request: web.Request) -> web.Response:
    seen.append(request.headers)
    return web.json_response({"data": {"me": {"name": "Ada"}}})


def _serving(upstream: Upstream) -> Any:
    @asynccontextmanager
    async def serving() -> Any:
        app = web.Application()
        app.router.add_post("/", upstream.answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        await runner.cleanup()

    return serving()
