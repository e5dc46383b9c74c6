"""Everything that can be set, as one frozen value with defaults. Read from flags and environment only in `serve.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from gateway.traffic_settings import ApiKeySettings, GuardSettings, RateLimitSettings, SheddingSettings

_HTTP_URL = re.compile(r"https?://[^/?#\s@]+(/\S*)?")
StreamProtocol = Literal["websocket", "sse"]
"""`graphql-transport-ws`, or GraphQL over SSE with a connection for each subscription."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What one request may cost before it is refused.

    Of the text, before it is parsed: bytes, tokens, directives, levels of brackets (max_nesting).
    Of the document, fragments counted as often as they are spread: depth, fields, root fields, aliases; and how many
    fragments and operations it has, and how many lists of types introspection nests (max_introspection_lists).
    max_comparisons: of two fields under one name, to see whether they can be merged.
    Of the variables: bytes and levels as JSON, and how many values.
    max_defers: active @defer's, each as often as it is spread. max_problems: reasons told of one invalid operation.
    operation_timeout_s: for all fetches of a query or mutation together, and for those of one event of a subscription.
    """

    max_body_bytes: int = 1024 * 1024
    max_operation_bytes: int = 256 * 1024
    max_tokens: int = 5_000
    max_directives: int = 200
    max_nesting: int = 200
    max_depth: int = 40
    max_fields: int = 5_000
    max_root_fields: int = 100
    max_aliases: int = 100
    max_fragments: int = 200
    max_operations: int = 50
    max_introspection_lists: int = 3
    max_comparisons: int = 20_000
    max_variables_bytes: int = 512 * 1024
    max_variables_depth: int = 40
    max_variable_values: int = 10_000
    max_batch: int = 0
    max_errors: int = 1000
    max_problems: int = 5
    max_defers: int = 50
    max_planning_steps: int = 200_000
    max_planning_s: float = 10.0
    operation_timeout_s: float = 60.0


class CostSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Demand control (@cost, @listSize): what an operation may cost, estimated before anything is fetched.

    mode: `enforce` refuses what is estimated above a maximum, `measure` only tells, `off` does not look.
    max: for the whole operation. subgraph_max: for all requests of an operation to one subgraph; `subgraph_maxima`
    replace it by name. list_size: of lists of which the schema does not tell how long they are.
    shows: every answer tells its estimated and its actual cost (`extensions.cost`); in development those that ask for
    their plan do anyway.
    """

    mode: Literal["off", "measure", "enforce"] = "enforce"
    max: int = 100_000
    subgraph_max: int | None = None
    subgraph_maxima: Mapping[str, int] = {}
    list_size: int = 1
    shows: bool = False


class AccessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of what a caller may not see (@authenticated, @requiresScopes, @policy).

    mode: `filter` takes it out, so that it stands as null with an error; `reject` refuses the whole operation.
    scope_claims: claims of the token that hold scopes, as a list or with spaces between. policy_claim: a claim that
    lists the policies that hold, where no evaluator of one's own is plugged in.
    """

    mode: Literal["filter", "reject"] = "filter"
    scope_claims: tuple[str, ...] = ("scope", "scopes")
    policy_claim: str = "policies"


class TokenSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How callers' tokens are checked. `jwks` is a file or an http(s) URL; None: nobody can sign in.

    jwks_refresh_s: how old the set may get before it is read again, in the background; jwks_stale_s: how long its keys
    hold while it cannot be read. max_verified: tokens that are known again without checking the signature anew.
    """

    jwks: str | None = None
    algorithms: tuple[str, ...] = ("EdDSA",)
    issuer: str | None = None
    audience: str | None = None
    leeway_s: int = 5
    max_bytes: int = 8192
    max_verified: int = 10_000
    jwks_refresh_s: float = 300.0
    jwks_stale_s: float = 86_400.0


class SubgraphSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How subgraphs are reached. `urls` replace those of the supergraph; `timeouts_s` replace `timeout_s` by name.

    client: what plain requests go by; files and subscriptions always go by aiohttp.
    max_connections: to each subgraph, kept alive between requests; keep_idle_s: for so long without a request.
    accepts_compressed: ask for gzip, where the way to the subgraphs is narrower than the gateway is busy.
    ca_file: authorities (PEM) that may sign the certificates of subgraphs, beside the system's.
    stream_protocol: what subscriptions are asked for over; `stream_protocols` replace it by name.
    stream_silence_s: how long an SSE stream may bring nothing, comments included, before it counts as broken.
    guards: retries, circuit breaker, queue and sharing; `guards_by_name` replace all of them for one subgraph.
    """

    urls: Mapping[str, str] = {}
    timeout_s: float = 15.0
    timeouts_s: Mapping[str, float] = {}
    max_answer_bytes: int = 64 * 1024 * 1024
    client: Literal["lean", "aiohttp"] = "lean"
    max_connections: int = 200
    # Shorter than the 5 s after which uvicorn and Node hang up: who hangs up first cannot be surprised.
    keep_idle_s: float = 4.0
    accepts_compressed: bool = False
    ca_file: Path | None = None
    stream_protocol: StreamProtocol = "websocket"
    stream_protocols: Mapping[str, StreamProtocol] = {}
    stream_silence_s: float = 60.0
    caller_key: Path | None = None
    guards: GuardSettings = GuardSettings()
    guards_by_name: Mapping[str, GuardSettings] = {}


class WebSocketSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Sockets. max_operations: at once on one socket; max_sockets: at once of one caller in this process.

    max_sockets_of_address: of all from one address who have shown no token, or none yet.
    """

    max_sockets: int = 50
    max_sockets_of_address: int = 500
    init_timeout_s: float = 10.0
    max_operations: int = 100
    max_message_bytes: int = 1024 * 1024


class CorsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose pages may call from a browser. `origins`: exact, or `*` for all; `origin_pattern`: a regular expression."""

    origins: tuple[str, ...] = ()
    origin_pattern: str | None = None
    credentials: bool = False
    headers: tuple[str, ...] = ("*",)
    exposed_headers: tuple[str, ...] = ()
    max_age_s: int = 600


class RequestRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Headers of the request that go on to subgraphs.

    named: one header's name; matching: a regular expression that whole names fit, in lower case; one of the two.
    rename: what subgraphs call it. default: its value where the client sent none (with `named`).
    subgraphs: to whom; none named: to all.
    """

    named: str | None = None
    matching: str | None = None
    rename: str | None = None
    default: str | None = None
    subgraphs: tuple[str, ...] = ()


class ResponseRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Headers of subgraphs' answers that go on to the client.

    keep: where several answers have it, the value of the `first` or `last` in the plan's order of arrival, or `all` of
    them as separate headers (`Set-Cookie` always is).
    """

    named: str | None = None
    matching: str | None = None
    rename: str | None = None
    keep: Literal["first", "last", "all"] = "last"
    subgraphs: tuple[str, ...] = ()


class HeaderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What passes. `cache_control`: answers of subgraphs to queries are merged to the most restrictive one."""

    requests: tuple[RequestRule, ...] = ()
    responses: tuple[ResponseRule, ...] = ()
    cache_control: bool = True
    trace_context: bool = True


class UploadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Files in multipart requests, passed on to the subgraph that takes them. max_files 0: none are taken."""

    max_files: int = 0
    max_file_bytes: int = 64 * 1024 * 1024


class ReadinessSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When `/ready` says no: too many requests at work, or the event loop late by more than `max_lag_ms`.

    drain_s: after SIGTERM, how long `/ready` says no while requests are still taken, so that who deals them out learns
    of it. grace_s: how long requests under way may then take.
    """

    max_in_flight: int = 800
    max_lag_ms: float = 800.0
    drain_s: float = 0.0
    grace_s: float = 10.0


class StreamSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Answers that go on (SSE, multipart). beat_s: a sign of life after so long without an event.

    max_streams: at once of one caller in this process, whatever their kind; max_streams_of_address: of all from one
    address who have shown no token.
    max_shared: streams of the single-connection mode in this process; max_operations: on each of them.
    """

    beat_s: float = 10.0
    max_streams: int = 50
    max_streams_of_address: int = 500
    max_shared: int = 1000
    max_operations: int = 100


class DeliverySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Events of live subscriptions, by whatever face.

    shares: identical subscriptions of one caller are one stream upstream (of one tenant, where a field says so).
    max_waiting, max_waiting_bytes: what may wait for one reader. patience_s: how long a lone reader may leave no room.
    """

    shares: bool = True
    max_waiting: int = 1000
    max_waiting_bytes: int = 4 * 1024 * 1024
    patience_s: float = 1.0


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP face.

    csrf_prevention: a request that a foreign page could send unasked (GET, multipart) needs a header that such a page
    cannot set. Always on for uploads and where a rule passes cookies on.
    trusted_proxies: addresses or networks whose `X-Forwarded-For` is believed.
    compresses_from: answers of this many bytes go out with gzip to those who accept it; None: never.
    header_timeout_s, max_header_bytes: of a request's head; reader_timeout_s: a client that reads nothing of its answer
    for so long has left. max_slow_bodies: of one caller, or of all from one address who show no token: bodies that have
    not come whole.
    """

    cors: CorsSettings = CorsSettings()
    headers: HeaderSettings = HeaderSettings()
    uploads: UploadSettings = UploadSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    streams: StreamSettings = StreamSettings()
    csrf_prevention: bool = False
    compresses_from: int | None = 1024
    shedding: SheddingSettings = SheddingSettings()
    trusted_proxies: tuple[str, ...] = ()
    body_timeout_s: float = 30.0
    max_slow_bodies: int = 100
    header_timeout_s: float = 10.0
    max_header_bytes: int = 64 * 1024
    reader_timeout_s: float = 60.0


class NodeFieldSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How an id tells its type: the text before `separator`, once it is read as base64."""

    base64: bool = True
    separator: str = ":"


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`/metrics` for Prometheus, on a port and address of its own; port None: nowhere."""

    port: int | None = None
    host: str = "127.0.0.1"


class TracingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Spans for OpenTelemetry. endpoint: the collector's URL for traces (OTLP over HTTP, JSON); None: no spans.

    ratio: of requests that are traced, where the client has not decided. follows_clients: whether a client's
    `traceparent` counts, its decision included. authorization: a file with the `Authorization` for the collector.
    max_waiting: spans that may wait to be sent; more are dropped and counted. every_s: how often they are sent.
    """

    endpoint: str | None = None
    ratio: float = 1.0
    follows_clients: bool = True
    authorization: Path | None = None
    service: str = "gateway"
    max_waiting: int = 8192
    every_s: float = 1.0
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.ratio <= 1.0:
            raise ValueError(f"`ratio` is from 0 to 1, not {self.ratio:g}.")
        if self.endpoint is not None and not _HTTP_URL.fullmatch(self.endpoint):
            raise ValueError("`endpoint` is no http or https URL.")


class PageFolder(Struct, frozen=True, forbid_unknown_fields=True):
    """A page for browsers: a folder with an `index.html`. data_from: origins beside its own that it may fetch from."""

    folder: Path
    data_from: tuple[str, ...] = ()


class TelemetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of requests. access_log: `off`, `stderr`, or the path of a file that is added to.

    access_log_waiting: lines that may wait to be written; more are dropped, and the log says how many.
    """

    access_log: str = "off"
    access_log_waiting: int = 10_000
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The gateway's settings.

    development: errors are told in full, plans are shown to those who ask, introspection is on.
    introspection: whether the schema may be asked for; None: as `development`.
    passes_messages: errors with a code meant for clients keep the subgraph's own sentence outside development too.
    override_labels: labels of @override that are on, off, or on for a percentage of requests (`percent(N)` says it).
    node_field: whether the gateway answers `node(id)` and `nodes(ids)` itself, and how an id tells its type.
    compile_after: a plan asked for so often before is made into a program, where that can be done; None: never.
        The program is written aside while the generic executor answers; with 0 the first answer waits for it.
    asks_again: a subgraph is asked by key even for what it told of the same object earlier in the query.
    explorer: a page for browsers at `/`; `examples` is a folder of `*.graphql` documents that it offers.
    pages: further pages, each at `/NAME/`.
    """

    development: bool = False
    introspection: bool | None = None
    passes_messages: bool = False
    compile_after: int | None = 1
    asks_again: bool = False
    explorer: bool = True
    examples: Path | None = None
    pages: Mapping[str, PageFolder] = {}
    plan_cache_size: int = 2000
    override_labels: Mapping[str, bool | float] = {}
    node_field: NodeFieldSettings | None = None
    tokens: TokenSettings = TokenSettings()
    api_keys: ApiKeySettings | None = None
    rate_limits: RateLimitSettings = RateLimitSettings()
    access: AccessSettings = AccessSettings()
    cost: CostSettings = CostSettings()
    subgraphs: SubgraphSettings = SubgraphSettings()
    limits: Limits = Limits()
    websocket: WebSocketSettings = WebSocketSettings()
    delivery: DeliverySettings = DeliverySettings()
    http: HttpSettings = HttpSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @property
    def introspects(self) -> bool:
        return self.development if self.introspection is None else self.introspection
