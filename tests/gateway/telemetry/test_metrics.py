"""What Prometheus is told, after traffic that is known."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from gateway.settings import (
    CostSettings,
    HttpSettings,
    Limits,
    MetricsSettings,
    Settings,
    SubgraphSettings,
    TelemetrySettings,
)
from gateway.telemetry.histogram import Histogram
from gateway.telemetry.metrics_page import MetricsPortTaken, metrics_served
from gateway.traffic_settings import (
    BreakerSettings,
    GuardSettings,
    Rate,
    RateLimitSettings,
    RetrySettings,
    SheddingSettings,
)
from infra.local.platform import any_free_port
from tests.federation.harness.suite import SUITES, suite_named
from tests.gateway.client.raw_server import KINDS, Kind
from tests.gateway.http.test_websocket import ask, heard, introduced
from tests.gateway.telemetry.observed import DEEP, PLAIN, observed
from tests.gateway.test_reload import Publisher


@pytest.mark.parametrize("client", KINDS)
async def test_requests_fetches_and_plans_are_counted_exactly(client: Kind) -> None:
    guards = GuardSettings(shares=False)
    async with observed(Settings(compile_after=0), subgraphs=SubgraphSettings(client=client, guards=guards)) as gateway:
        for _ in range(3):
            await gateway.ask(PLAIN)
        for _ in range(4):
            await gateway.ask(DEEP)
        await gateway.ask('mutation { rename(id: "p1", name: "x") { name } }')
        await gateway.ask("{ nothing }")
        async with gateway.session.post("/graphql", data=b"{", headers={"Content-Type": "application/json"}) as bad:
            assert bad.status == 400
        page = await gateway.page()
    assert page['gateway_requests_total{face="http",kind="query",status="2xx"}'] == 7
    assert page['gateway_requests_total{face="http",kind="mutation",status="2xx"}'] == 1
    # What does not validate is 200 in the older media type, 400 where the body is no JSON.
    assert page['gateway_requests_total{face="http",kind="unknown",status="2xx"}'] == 1
    assert page['gateway_requests_total{face="http",kind="unknown",status="4xx"}'] == 1
    assert page['gateway_request_duration_seconds_count{face="http",kind="query"}'] == 7
    assert 0 < page['gateway_request_duration_seconds_sum{face="http",kind="query"}'] < 60
    assert page.by("gateway_request_errors_total", "code") == {"GRAPHQL_VALIDATION_FAILED": 1, "BAD_USER_INPUT": 1}
    answered = page.by("gateway_subgraph_fetch_duration_seconds_count", "subgraph")
    assert answered == {"users": 3 + 4, "products": 4 + 1, "reviews": 4}
    assert page['gateway_subgraph_fetches_total{subgraph="users",outcome="answered"}'] == 7
    assert page.by("gateway_subgraph_retries_total", "subgraph") == {"users": 0, "products": 0, "reviews": 0}
    assert page["gateway_plan_cache_entries"] == 3
    assert page.by("gateway_plan_cache_lookups_total", "result") == {"hit": 5, "miss": 4}
    assert page["gateway_planning_duration_seconds_count"] == 4
    assert page.by("gateway_executions_total", "executor") == {"program": 8, "surprised": 0, "generic": 0}
    assert page["gateway_requests_in_flight"] == 0
    assert page["gateway_operation_cost_estimated_count"] == 8


async def test_a_batch_counts_as_each_of_its_operations() -> None:
    async with observed(Settings(limits=Limits(max_batch=3))) as gateway:
        batch = [{"query": PLAIN}, {"query": DEEP}, {"query": "{ nothing }"}]
        async with gateway.session.post("/graphql", json=batch) as response:
            assert len(await response.json(content_type=None)) == 3
        page = await gateway.page()
    # The request has no kind of its own; an operation has no status of its own.
    assert page['gateway_requests_total{face="http",kind="unknown",status="2xx"}'] == 1
    assert page['gateway_requests_total{face="http",kind="query",status="none"}'] == 2
    assert page.by("gateway_request_errors_total", "code") == {"GRAPHQL_VALIDATION_FAILED": 1}


async def test_a_subgraph_that_is_down_is_seen_in_outcomes_retries_and_its_breaker() -> None:
    guards = GuardSettings(
        retries=RetrySettings(most=1, base_s=0.001), breaker=BreakerSettings(min_requests=4, open_s=60)
    )
    down = {"users": f"http://127.0.0.1:{any_free_port()}/"}
    async with observed(urls=down, subgraphs=SubgraphSettings(guards=guards)) as gateway:
        for _ in range(5):
            await gateway.ask(PLAIN)
        page = await gateway.page()
    assert page['gateway_subgraph_fetches_total{subgraph="users",outcome="unreachable"}'] == 4
    assert page['gateway_subgraph_fetches_total{subgraph="users",outcome="circuit_open"}'] == 3
    assert page['gateway_subgraph_retries_total{subgraph="users"}'] == 2
    assert page['gateway_subgraph_breaker_state{subgraph="users",state="open"}'] == 1
    assert page['gateway_subgraph_breaker_state{subgraph="users",state="closed"}'] == 0
    assert page['gateway_request_errors_total{code="SUBGRAPH_UNAVAILABLE"}'] == 5


@pytest.mark.parametrize(("compile_after", "executor"), [(3, "generic"), (0, "program")])
async def test_subgraphs_in_the_process_are_counted_as_those_on_the_wire_are(compile_after: int, executor: str) -> None:
    settings = Settings(compile_after=compile_after)
    async with observed(settings, hosted=suite_named("shop").subgraphs) as gateway:
        for _ in range(3):
            await gateway.ask(DEEP)
        page = await gateway.page()
    assert page.by("gateway_subgraph_fetches_total", "subgraph") == {"products": 3, "reviews": 3, "users": 3}
    runs = {"program": 0, "surprised": 0, "generic": 0, executor: 3}
    assert page.by("gateway_executions_total", "executor") == runs


async def test_who_is_turned_away_is_counted_by_policy() -> None:
    settings = Settings(rate_limits=RateLimitSettings(anonymous=Rate(requests=2, per_s=3600)))
    async with observed(settings) as gateway:
        for _ in range(5):
            await gateway.ask(PLAIN)
        page = await gateway.page()
    assert page['gateway_rate_limited_total{policy="anonymous"}'] == 3
    assert page['gateway_request_errors_total{code="RATE_LIMITED"}'] == 3
    assert page['gateway_requests_total{face="http",kind="unknown",status="4xx"}'] == 3


async def test_what_is_shed_is_counted_though_nobody_read_it() -> None:
    async with observed(Settings(http=HttpSettings(shedding=SheddingSettings(max_in_flight=0)))) as gateway:
        for _ in range(3):
            await gateway.ask(PLAIN)
        page = await gateway.page()
    assert page["gateway_shed_total"] == 3
    assert page.by("gateway_requests_total", "status") == {}


async def test_live_subscriptions_and_their_events_are_counted() -> None:
    publisher = Publisher(suite_named("shop"))
    hosted: Any = {**suite_named("shop").subgraphs, "reviews": publisher}
    async with observed(hosted=hosted) as gateway:
        async with introduced(str(gateway.session._base_url).rstrip("/")) as socket:
            await ask(socket, "subscription { reviewed { stars author { name } } }")
            await publisher.until_opened(1)
            for stars in (1, 2, 3):
                publisher.publish(stars)
                await heard(socket)
            page = await gateway.page()
            assert (page["gateway_subscriptions"], page["gateway_subscription_streams"]) == (1, 1)
            assert page['gateway_subscription_events_total{fate="received"}'] == 3
            assert page['gateway_subscription_events_total{fate="delivered"}'] == 3
        async with asyncio.timeout(5):
            while (page := await gateway.page())["gateway_subscriptions"]:
                await asyncio.sleep(0.01)
    assert page['gateway_requests_total{face="websocket",kind="subscription",status="none"}'] == 1


async def test_what_answers_cost_is_told_where_it_was_computed() -> None:
    async with observed(Settings(cost=CostSettings(shows=True))) as gateway:
        told = [(await gateway.ask(DEEP))["extensions"]["cost"] for _ in range(3)]
        page = await gateway.page()
    assert page["gateway_operation_cost_actual_sum"] == sum(each["actual"] for each in told) > 0
    assert page["gateway_operation_cost_estimated_sum"] == sum(each["estimated"] for each in told)


async def test_a_new_supergraph_is_counted_and_counters_go_on() -> None:
    async with observed() as gateway:
        await gateway.ask(PLAIN)
        await gateway.ask(PLAIN)
        before = await gateway.page()
        reload = gateway.app.state.gateway.reload
        await reload(suite_named("shop").supergraph + "\n# newer\n")
        with pytest.raises(Exception, match="supergraph"):
            await reload("type Query { broken: Int }")
        await gateway.ask(PLAIN)
        page = await gateway.page()
    assert page.by("gateway_supergraph_reloads_total", "result") == {"taken": 1, "refused": 1}
    loaded = "gateway_supergraph_loaded_timestamp_seconds"
    assert page[loaded] > before[loaded]
    assert page.by("gateway_plan_cache_lookups_total", "result") == {"hit": 2, "miss": 1}
    assert sum(page.by("gateway_executions_total", "executor").values()) == 3
    assert page['gateway_subgraph_fetches_total{subgraph="users",outcome="answered"}'] == 3


async def test_the_process_and_its_event_loop_are_measured() -> None:
    async with observed() as gateway:
        await asyncio.sleep(0.6)
        page = await gateway.page()
    assert page["process_resident_memory_bytes"] > 10 << 20
    assert page["process_cpu_seconds_total"] > 0
    assert page["process_open_fds"] > 3
    assert page["gateway_event_loop_lag_seconds_count"] >= 2


async def test_connections_are_counted_by_what_they_do() -> None:
    async with observed() as gateway:
        await gateway.ask(PLAIN)
        page = await gateway.page()
    assert page['gateway_subgraph_connections{subgraph="users",state="idle"}'] == 1
    assert page['gateway_subgraph_connections{subgraph="users",state="busy"}'] == 0


async def test_names_that_clients_make_up_are_no_labels() -> None:
    """A thousand operations, each with a name, a text and an error code of its own."""

    class Failing:
        def __init__(self) -> None:
            self.asked = 0

        async def execute(self, *_: object) -> dict[str, Any]:
            self.asked += 1
            error = {"message": "m", "path": ["me"], "extensions": {"code": f"MADE_UP_{self.asked}"}}
            return {"data": {"me": None}, "errors": [error]}

    async with observed(hosted={**suite_named("shop").subgraphs, "users": Failing()}) as gateway:  # type: ignore[dict-item]
        await gateway.ask(PLAIN)
        before = await gateway.page()
        for number in range(1000):
            await gateway.ask(f"query Made{number} {{ me {{ name }} }}", operationName=f"Made{number}")
        after = await gateway.page()
    assert after.series.keys() == before.series.keys()
    assert after.by("gateway_request_errors_total", "code") == {"INTERNAL": 1001}


async def test_metrics_are_not_on_the_port_that_clients_have() -> None:
    async with observed() as gateway, gateway.session.get("/metrics") as response:
        assert response.status == 404


async def test_a_port_that_is_taken_is_told_at_the_start() -> None:
    async with metrics_served("127.0.0.1", 0, lambda: b"") as (host, port):
        with pytest.raises(MetricsPortTaken, match="each process needs a port of its own"):
            async with metrics_served(host, port, lambda: b""):
                pass


def test_without_metrics_nothing_is_imported_for_them() -> None:
    supergraph = SUITES / "shop" / "supergraph.graphql"
    program = (
        "import sys, json; from pathlib import Path; from gateway.app import build_app; from gateway.settings import *;"
        f"build_app(Settings(), Path({str(supergraph)!r}).read_text());"
        "print(json.dumps(list(sys.modules)))"
    )
    found = json.loads(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)
    assert "gateway.telemetry.observers" in found
    assert "gateway.telemetry.metrics_page" not in found


async def test_a_slow_reader_of_metrics_holds_up_nobody() -> None:
    port = any_free_port()
    async with observed(telemetry=TelemetrySettings(metrics=MetricsSettings(port))) as gateway:
        readers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for _, writer in readers:
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(5):
            assert (await gateway.ask(PLAIN))["data"] == {"me": {"name": "Ada"}}
            await gateway.page()
        for _, writer in readers:
            writer.close()


def test_a_value_on_a_bound_belongs_to_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert (histogram.counts, histogram.total) == ([2, 2, 1], 7.5)
