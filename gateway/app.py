"""Settings and a supergraph in, an ASGI application out: the one place that knows every part of the gateway.

`in_process` names subgraphs that live in this process, as objects (`client.in_process.HostedSubgraph`); all others are
reached over HTTP at the URL that the supergraph, or the settings, say. Refuses a supergraph that cannot be served, and
hosted subgraphs or URLs whose names it does not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from graphql import GraphQLSchema
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket

from gateway.aside import Aside
from gateway.caller_access import CallerAccess, Evaluate
from gateway.client.guarded import Guards
from gateway.client.in_process import HostedSubgraph, InProcessClient
from gateway.client.lean.target import target_of
from gateway.client.operation_context import Operations
from gateway.client.protocol import SubgraphClient
from gateway.client.wires import Wires, trusted_by, wires_of
from gateway.compiled.executor import CompilingExecutor, Runs
from gateway.errors import GatewayError
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.figures import Counters, Parts
from gateway.http.api_key_verifiers import check_key_settings, key_verifier
from gateway.http.api_keys import ApiKeys, KeyVerifier
from gateway.http.client_address import ClientAddresses
from gateway.http.door import Door
from gateway.http.explorer_page import explorer_routes
from gateway.http.front import Front
from gateway.http.headers import HeaderRules
from gateway.http.identity import CallerTokenSigner, TokenVerifier
from gateway.http.key_sets import KeyAges, KeySource, keys_from_file, keys_from_url
from gateway.http.load_shedding import LoadShedding
from gateway.http.page_folders import page_routes
from gateway.http.rate_limits import RateLimits
from gateway.http.readiness import Readiness
from gateway.http.routes import GraphQLOverHttp
from gateway.http.websocket import GraphQLOverWebSocket
from gateway.live_pipeline import LivePipeline
from gateway.node_field import SUBGRAPH, NodeSubgraph, with_node_field
from gateway.observing import counted_by, metrics_page, observing
from gateway.override_labels import OverrideLabels
from gateway.pipeline import Pipeline
from gateway.plan.nodes import SubgraphName
from gateway.planner.planning import Planning
from gateway.settings import HttpSettings, Settings, SubgraphSettings, TokenSettings
from gateway.streams.sharing import Streams
from gateway.supergraph.model import Supergraph
from gateway.supergraph.read import read_supergraph
from gateway.supergraph_file import watch

InProcess = Mapping[str, HostedSubgraph]
GRAPHQL_PATH = "/graphql"
_WARMED = 200
"""Operations that are planned anew before a new supergraph takes over."""


class UnknownSubgraph(GatewayError):
    """Something was set for a subgraph that the supergraph does not have."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"The supergraph has no subgraph {name!r}; it has {', '.join(known)}.")


class Gateway(Struct, frozen=True):
    """The parts that answer, opened.

    reload: take a new supergraph's text, beside the running requests; raises what `build_app` would, and keeps the old.
    """

    http: GraphQLOverHttp
    websocket: GraphQLOverWebSocket
    pipeline: LivePipeline
    reload: Callable[[str], Awaitable[None]]

    def end_streams(self) -> None:
        """Subscriptions end now, so that their clients go elsewhere; requests go on."""
        self.http.end_streams()
        self.pipeline.streams.end()


def build_app(
    settings: Settings,
    supergraph_text: str,
    in_process: InProcess | None = None,
    watched: Path | None = None,
    verifier: KeyVerifier | None = None,
    evaluate: Evaluate | None = None,
) -> Starlette:
    """The application. Planning structures are built here; connections open with its lifespan and close with it.

    watched: the file that the supergraph came from; a new text in it takes over while the gateway runs.
    verifier: who knows API keys; None: as `settings.api_keys` says.
    evaluate: says which policies (@policy) hold for a caller; without it a claim of the token does.
    """
    shedding = LoadShedding(settings.http.shedding)
    plannable = _plannable(settings, supergraph_text, in_process or {})
    trusted = trusted_by(settings.subgraphs)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        counted = counted_by(settings.telemetry)
        async with wires_of(settings.subgraphs, trusted) as wires, observing(settings.telemetry, counted) as observers:
            streams = Streams(settings.delivery)
            operations = Operations(settings.limits.operation_timeout_s)
            guards = Guards(settings.subgraphs.guards, settings.subgraphs.guards_by_name, operations, counted.fetches)
            aside = Aside()
            first = _pipeline(settings, plannable, in_process or {}, wires, guards, counted, aside)
            pipeline = LivePipeline(first, streams, operations, CallerAccess(settings.access, evaluate), observers)

            async def take(text: str) -> None:
                newest = await asyncio.to_thread(_plannable, settings, text, in_process or {})
                swapped = _pipeline(settings, newest, in_process or {}, wires, guards, counted, aside)
                await swapped.warm(pipeline.newest.recent(_WARMED))
                pipeline.swap(swapped)

            async def reload(text: str) -> None:
                await counted.reloads.counting(take(text))

            signer = CallerTokenSigner(settings.subgraphs.caller_key) if settings.subgraphs.caller_key else None
            door = _door(settings, wires.session, shedding, verifier)
            http = GraphQLOverHttp(pipeline, door, signer, settings.limits, _http(settings), observers)
            websocket = GraphQLOverWebSocket(pipeline, door, signer, settings.websocket, observers)
            app.state.gateway = Gateway(http, websocket, pipeline, reload)
            watching = [asyncio.create_task(each) for each in (door.readiness.watch(), shedding.watch(door.readiness))]
            if watched is not None:
                watching.append(asyncio.create_task(watch(watched, supergraph_text, reload)))
            parts = Parts(counted, observers, door, pipeline, guards, wires.lean)
            try:
                async with metrics_page(settings.telemetry, parts):
                    yield
            finally:
                await _ended(watching, pipeline, settings.http.readiness.grace_s)
                await door.close()
                aside.close()

    _refuse_unusable(settings, verifier)
    layers = _layers(settings.http)
    compresses_from = settings.http.compresses_from
    return Front(GRAPHQL_PATH, _graphql, _refusal, layers, compresses_from, routes=_routes(settings), lifespan=lifespan)


async def _ended(watching: Iterable[asyncio.Task[None]], pipeline: LivePipeline, grace_s: float) -> None:
    for task in watching:
        task.cancel()
    await pipeline.streams.close()
    await pipeline.finish(grace_s)


async def _graphql(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    return await gateway.http.answer(request)


def _refusal(scope: Scope) -> Response | None:
    gateway: Gateway = scope["app"].state.gateway
    return gateway.http.refusal()


def _http(settings: Settings) -> HttpSettings:
    """Where requests are traced, subgraphs are told of the trace by who traces, and not by a header rule."""
    if settings.telemetry.tracing.endpoint is None:
        return settings.http
    headers = msgspec.structs.replace(settings.http.headers, trace_context=False)
    return msgspec.structs.replace(settings.http, headers=headers)


def _refuse_unusable(settings: Settings, verifier: KeyVerifier | None) -> None:
    """What can be told to be wrong before the first request is."""
    HeaderRules(settings.http.headers)
    ClientAddresses(settings.http.trusted_proxies, settings.rate_limits.ipv6_prefix)
    TokenVerifier(settings.tokens, None)
    RateLimits(settings.rate_limits, settings.limits.max_tokens)
    if settings.api_keys is not None and verifier is None:
        check_key_settings(settings.api_keys)


def _door(
    settings: Settings, session: aiohttp.ClientSession, shedding: LoadShedding, verifier: KeyVerifier | None
) -> Door:
    keys = settings.api_keys
    return Door(
        TokenVerifier(settings.tokens, _key_source(settings.tokens, session)),
        None if keys is None else ApiKeys(keys, verifier or key_verifier(keys, session)),
        RateLimits(settings.rate_limits, settings.limits.max_tokens),
        ClientAddresses(settings.http.trusted_proxies, settings.rate_limits.ipv6_prefix),
        shedding,
        Readiness(settings.http.readiness),
    )


def _routes(settings: Settings) -> list[BaseRoute]:
    async def graphql_socket(socket: WebSocket) -> None:
        gateway: Gateway = socket.app.state.gateway
        await gateway.websocket.serve(socket)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "up"})

    async def ready(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        reasons = gateway.http.readiness.reasons()
        body = {"status": "not ready", "reasons": reasons} if reasons else {"status": "ready"}
        return JSONResponse(body, 503 if reasons else 200, {"Cache-Control": "no-store"})

    return [
        WebSocketRoute(GRAPHQL_PATH, graphql_socket),
        Route("/health", health),
        Route("/ready", ready),
        *page_routes(settings.pages),
        *(explorer_routes(settings.examples) if settings.explorer else ()),
    ]


def _plannable(settings: Settings, text: str, in_process: InProcess) -> Planning:
    """What planning needs of a supergraph's text."""
    supergraph = read_supergraph(text if settings.node_field is None else with_node_field(text))
    named = settings.subgraphs
    set_for = (named.urls, named.timeouts_s, named.stream_protocols, named.guards_by_name)
    _refuse_unknown_names(supergraph, [*in_process, *(name for names in set_for for name in names)])
    for name, subgraph in supergraph.subgraphs.items():
        if name not in in_process and (settings.node_field is None or name != SUBGRAPH):
            target_of(name, named.urls.get(name, subgraph.url))
    limits = settings.limits
    return Planning(supergraph, limits.max_planning_steps, limits.max_planning_s, settings.asks_again)


def _pipeline(
    settings: Settings,
    planning: Planning,
    in_process: InProcess,
    wires: Wires,
    guards: Guards,
    counted: Counters,
    aside: Aside,
) -> Pipeline:
    supergraph = planning.supergraph
    if settings.node_field is not None:
        types = [name for name in supergraph.types[SUBGRAPH] if name not in ("Query", "Node")]
        in_process = {**in_process, SUBGRAPH: NodeSubgraph(types, settings.node_field)}
    clients = _clients(supergraph, settings.subgraphs, in_process, wires, guards, counted)
    return Pipeline(
        planning,
        _executor(settings, clients, supergraph.api_schema, counted.runs, aside),
        settings.limits,
        settings.plan_cache_size,
        settings.development,
        settings.introspects,
        OverrideLabels(planning.labels, settings.override_labels),
        settings.access,
        settings.cost,
        counted.plans,
        aside,
    )


def _executor(
    settings: Settings,
    clients: Mapping[SubgraphName, SubgraphClient],
    api_schema: GraphQLSchema,
    runs: Runs,
    aside: Aside,
) -> Executor:
    reporting = Reporting(settings.development, settings.passes_messages, settings.limits.max_errors)
    if settings.compile_after is None:
        return Executor(clients, api_schema, reporting)
    kept, after = settings.plan_cache_size, settings.compile_after
    return CompilingExecutor(clients, api_schema, reporting, kept, after, runs, aside)


def _layers(settings: HttpSettings) -> list[Middleware]:
    found, cors = [], settings.cors
    if cors.origins or cors.origin_pattern:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(cors.origins),
                allow_origin_regex=cors.origin_pattern,
                allow_methods=["GET", "POST", "PUT", "DELETE"],
                allow_headers=list(cors.headers),
                allow_credentials=cors.credentials,
                expose_headers=list(cors.exposed_headers),
                max_age=cors.max_age_s,
            )
        )
    return found


def _clients(
    supergraph: Supergraph,
    settings: SubgraphSettings,
    in_process: InProcess,
    wires: Wires,
    guards: Guards,
    counted: Counters,
) -> dict[SubgraphName, SubgraphClient]:
    clients: dict[SubgraphName, SubgraphClient] = {}
    for name, subgraph in supergraph.subgraphs.items():
        timeout_s = settings.timeouts_s.get(name, settings.timeout_s)
        hosted = in_process.get(name)
        if hosted is not None:
            figures = None if counted.fetches is None else counted.fetches.of(name)
            clients[name] = InProcessClient(name, hosted, timeout_s, figures)
        else:
            url = settings.urls.get(name, subgraph.url)
            clients[name] = guards.around(wires.client(name, url), url, timeout_s)
    return clients


def _key_source(settings: TokenSettings, session: aiohttp.ClientSession) -> KeySource | None:
    if settings.jwks is None:
        return None
    ages = KeyAges(settings.jwks_refresh_s, settings.jwks_stale_s)
    if settings.jwks.startswith(("http://", "https://")):
        return keys_from_url(settings.jwks, session, ages)
    return keys_from_file(Path(settings.jwks), ages)


def _refuse_unknown_names(supergraph: Supergraph, names: list[str]) -> None:
    for name in names:
        if name not in supergraph.subgraphs:
            raise UnknownSubgraph(name, sorted(supergraph.subgraphs))
