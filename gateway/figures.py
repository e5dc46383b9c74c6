"""A gateway in numbers. In: its parts, as they are now. Out: the page that Prometheus reads.

Read when somebody asks: a request pays for additions only. Labels are subgraphs' names and closed lists, never anything
that a client chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field

from gateway.client.circuit_breaker import State
from gateway.client.guarded import Guards
from gateway.client.lean.client import LeanTransport
from gateway.compiled.executor import Runs
from gateway.http.door import Door
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import PlanFigures
from gateway.supergraph_file import Reloads
from gateway.telemetry.exposition import Family, Labels, counter, gauge, histogram, page_of
from gateway.telemetry.observers import Observers
from gateway.telemetry.process_figures import process_families
from gateway.telemetry.request_figures import RequestFigures
from gateway.telemetry.subgraph_figures import FetchFigures

_SUBGRAPH = ("subgraph",)
Single = Callable[[str, str, tuple[str, ...], Mapping[Labels, float]], Family]


class Counters(Struct):
    """What parts of a gateway count into, over all its supergraphs. None: what nobody wants to know is not counted."""

    requests: RequestFigures | None = field(default_factory=RequestFigures)
    fetches: FetchFigures | None = field(default_factory=FetchFigures)
    plans: PlanFigures = field(default_factory=PlanFigures)
    runs: Runs = field(default_factory=Runs)
    reloads: Reloads = field(default_factory=Reloads)


class Parts(Struct, frozen=True):
    """What is asked when the page is."""

    counted: Counters
    observers: Observers
    door: Door
    pipeline: LivePipeline
    guards: Guards
    lean: LeanTransport | None

    def page(self) -> bytes:
        return page_of(
            [
                *(_of_requests(self.counted.requests, self.observers) if self.counted.requests else ()),
                *_at_the_door(self.door),
                *_of_plans(self.counted, self.pipeline),
                *(_of_fetches(self.counted.fetches) if self.counted.fetches else ()),
                *_of_guards(self.guards),
                *(_of_pools(self.lean) if self.lean is not None else ()),
                *_of_streams(self.pipeline),
                *process_families(),
            ]
        )


def _of_requests(requests: RequestFigures, observers: Observers) -> Iterator[Family]:
    requests.count()
    yield counter(
        "gateway_requests_total",
        "Requests by face, kind of operation and class of HTTP status; operations of a batch beside it, without one.",
        ("face", "kind", "status"),
        requests.requests,
    )
    yield histogram(
        "gateway_request_duration_seconds",
        "From request to answer; subscriptions apart.",
        ("face", "kind"),
        requests.durations,
    )
    yield counter(
        "gateway_request_errors_total",
        "Requests with an error of this code, each code once a request.",
        ("code",),
        {(code,): count for code, count in requests.errors.items()},
    )
    yield histogram(
        "gateway_operation_cost_estimated", "What operations were estimated to cost.", (), {(): requests.estimated}
    )
    yield histogram(
        "gateway_operation_cost_actual",
        "What operations cost, of those that were told so (cost.shows).",
        (),
        {(): requests.actual},
    )
    dropped = observers.log.dropped if observers.log is not None else 0
    yield _single(counter, "gateway_access_log_dropped_total", "Lines that found the buffer full.", dropped)
    if observers.tracer is not None:
        spans = observers.tracer.counts
        yield counter(
            "gateway_spans_total",
            "Spans, by whether the collector took them.",
            ("result",),
            {("exported",): spans.exported, ("dropped",): spans.dropped},
        )


def _at_the_door(door: Door) -> Iterator[Family]:
    yield _single(gauge, "gateway_requests_in_flight", "Requests at work.", door.readiness.in_flight)
    yield counter(
        "gateway_rate_limited_total",
        "Requests turned away for being too many, by policy.",
        ("policy",),
        {(policy,): count for policy, count in door.rate_limits.refused.items()},
    )
    yield _single(counter, "gateway_shed_total", "Requests refused unread under overload.", door.shedding.refused)
    yield histogram(
        "gateway_event_loop_lag_seconds",
        "How late the event loop was, four times a second.",
        (),
        {(): door.readiness.lags},
    )
    yield _single(gauge, "gateway_draining", "1: the process is about to end.", int(door.readiness.draining))


def _of_plans(counted: Counters, pipeline: LivePipeline) -> Iterator[Family]:
    plans, runs, reloads = counted.plans, counted.runs, counted.reloads
    yield _single(gauge, "gateway_plan_cache_entries", "Plans that are kept.", pipeline.newest.kept_plans)
    yield counter(
        "gateway_plan_cache_lookups_total",
        "Plans that were wanted, by whether they were there.",
        ("result",),
        {("hit",): plans.hits, ("miss",): plans.misses},
    )
    yield histogram(
        "gateway_planning_duration_seconds",
        "From text to plan, parsing and validation included, of operations that were not kept, refused ones too.",
        (),
        {(): plans.planning},
    )
    yield counter(
        "gateway_executions_total",
        "Queries and mutations, by what ran them; surprised: a program began, the generic executor went on.",
        ("executor",),
        {("program",): runs.compiled, ("surprised",): runs.surprised, ("generic",): runs.generic},
    )
    yield counter(
        "gateway_supergraph_reloads_total",
        "New supergraphs, by whether they were taken.",
        ("result",),
        {("taken",): reloads.taken, ("refused",): reloads.refused},
    )
    yield _single(
        gauge,
        "gateway_supergraph_loaded_timestamp_seconds",
        "Since when this supergraph is served, Unix time.",
        reloads.last_s,
    )


def _of_fetches(fetches: FetchFigures) -> Iterator[Family]:
    by_subgraph = fetches.by_subgraph.items()
    yield counter(
        "gateway_subgraph_fetches_total",
        "Requests to subgraphs, each try, by outcome; answered: with a status below 500.",
        ("subgraph", "outcome"),
        {(name, outcome): count for name, each in by_subgraph for outcome, count in each.outcomes.items()},
    )
    yield histogram(
        "gateway_subgraph_fetch_duration_seconds",
        "Of each try that was sent, waiting for a connection included.",
        _SUBGRAPH,
        {(name,): each.durations for name, each in by_subgraph},
    )


def _of_guards(guards: Guards) -> Iterator[Family]:
    retries: dict[Labels, int] = {}
    shared: dict[Labels, int] = {}
    waiting: dict[Labels, int] = {}
    in_flight: dict[Labels, int] = {}
    states: dict[Labels, int] = {}
    # One for each address that a subgraph has had; the last is the newest.
    for (name, _), guard in guards.of.items():
        own = (name,)
        retries[own] = retries.get(own, 0) + guard.counts.retried
        shared[own] = shared.get(own, 0) + guard.counts.shared
        waiting[own] = waiting.get(own, 0) + guard.places.waiting
        in_flight[own] = in_flight.get(own, 0) + guard.places.taken
        states |= {(name, state.value): int(guard.breaker.state is state) for state in State}
    yield counter("gateway_subgraph_retries_total", "Requests that were sent again.", _SUBGRAPH, retries)
    yield counter("gateway_subgraph_shared_total", "Requests that joined one under way.", _SUBGRAPH, shared)
    yield gauge("gateway_subgraph_in_flight", "Requests under way.", _SUBGRAPH, in_flight)
    yield gauge("gateway_subgraph_queued", "Requests that wait for a place.", _SUBGRAPH, waiting)
    yield gauge("gateway_subgraph_breaker_state", "1 for the state it is in.", ("subgraph", "state"), states)


def _of_pools(lean: LeanTransport) -> Iterator[Family]:
    states: dict[Labels, int] = {}
    waiting: dict[Labels, int] = {}
    for pool in lean.pools:
        now, name = pool.state, pool.subgraph
        for state, count in (
            ("idle", now.idle),
            ("busy", now.connections - now.idle),
            ("dialling", now.dialling),
        ):
            states[name, state] = states.get((name, state), 0) + count
        waiting[name,] = waiting.get((name,), 0) + now.waiting
    yield gauge("gateway_subgraph_connections", "Connections, by what they do.", ("subgraph", "state"), states)
    yield gauge("gateway_subgraph_waiting", "Requests that wait for a connection.", _SUBGRAPH, waiting)


def _of_streams(pipeline: LivePipeline) -> Iterator[Family]:
    now = pipeline.streams.counters
    yield _single(gauge, "gateway_subscriptions", "Live subscriptions.", now.subscriptions)
    yield _single(gauge, "gateway_subscription_streams", "Streams of subgraphs that they share.", now.upstreams)
    yield counter(
        "gateway_subscription_events_total",
        "Events: superseded by a newer one of their key, dropped with a reader that was too slow.",
        ("fate",),
        {
            ("received",): now.events,
            ("delivered",): now.delivered,
            ("superseded",): now.superseded,
            ("dropped",): now.dropped,
        },
    )
    yield _single(
        counter, "gateway_slow_consumers_total", "Readers that were ended for being too slow.", now.slow_consumers
    )


def _single(kind: Single, name: str, text: str, value: float) -> Family:
    return kind(name, text, (), {(): value})
