"""The HTTP face: `/graphql` by POST and GET; PUT and DELETE for streams that many operations share.

In: HTTP. Out: GraphQL over HTTP, in the media type the client asked for; what is deferred comes in parts to who takes
them, else at once. Refuses mutations by GET (405) and
subscriptions whose client names no stream (`streams`). No cookie is read unless a header rule passes it on, and then
every request has to be one that a foreign page cannot send unasked.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response as HttpResponse

from gateway.errors import ErrorCode, Overloaded, RequestRefused, Unauthenticated
from gateway.execution.pieces import Piece
from gateway.execution.response import Response, ResponseError
from gateway.http.caller_places import CallerPlaces
from gateway.http.cross_site import refuse_unasked
from gateway.http.door import Door, Visit
from gateway.http.headers import Exchange, HeaderRules
from gateway.http.identity import CallerTokenSigner, Identity, SignedCaller
from gateway.http.leaving import until_client_leaves
from gateway.http.live import LiveResponse, Result, results_of
from gateway.http.multipart_stream import only_part, pieces_media_type
from gateway.http.negotiation import EVENTS, GRAPHQL, PARTS, Pieces, answer_type, pieces_type, stream_type
from gateway.http.rate_limits import TurnedAway
from gateway.http.reading import BadRequest, from_get, from_post, is_multipart, whole_body_of
from gateway.http.refusals import refusal, status_of
from gateway.http.streams import GraphQLOverStreams, token_in
from gateway.http.uploads import from_multipart
from gateway.http.whole_response import WholeResponse, add_missing
from gateway.live_pipeline import LivePipeline
from gateway.operation.authorise import Access
from gateway.pipeline import OperationRequest, Ready
from gateway.settings import HttpSettings, Limits
from gateway.telemetry.entry import current_entry, writing
from gateway.telemetry.observers import Observers

_log = logging.getLogger("gateway")
_encoder = msgspec.json.Encoder()


class GraphQLOverHttp:
    """`settings`: read once; a header rule that cannot mean anything is a ValueError."""

    def __init__(
        self,
        pipeline: LivePipeline,
        door: Door,
        signer: CallerTokenSigner | None,
        limits: Limits,
        settings: HttpSettings = HttpSettings(),  # noqa: B008 - frozen
        observers: Observers | None = None,
    ) -> None:
        self._observers = observers or Observers()
        self._pipeline = pipeline
        self._door = door
        self._signer = signer
        self._limits = limits
        self._settings = settings
        self._rules = HeaderRules(settings.headers)
        self._prevents_csrf = settings.csrf_prevention or self._rules.passes_cookies
        self._bodies = CallerPlaces(settings.max_slow_bodies, settings.max_slow_bodies)
        self._streams = GraphQLOverStreams(pipeline, signer, settings.streams)
        self.readiness = door.readiness

    def refusal(self) -> HttpResponse | None:
        """For one more request, where there is no time for it."""
        return None if self._door.admits() else self._door.shedding.refusal()

    async def answer(self, request: Request) -> HttpResponse:
        entry = self._observers.begin("http", request.method, request.scope["headers"])
        if entry is None:
            return await self._answer_visit(request, self._door.visit(request))
        visit = self._door.visit(request)
        response: HttpResponse | None = None
        with writing(entry):
            try:
                response = await self._answer_visit(request, visit)
            finally:
                if visit.identity is not None:
                    entry.asked_by(visit.identity.subject, visit.identity.claims.get("tenant"))
                if isinstance(response, LiveResponse):
                    response.told_to(self._observers, entry)
                else:
                    # 499: who asked has left.
                    entry.status = 499 if response is None else response.status_code
                    entry.bytes = None if response is None else len(response.body)
                    self._observers.end(entry)
        return response

    async def _answer_visit(self, request: Request, visit: Visit) -> HttpResponse:
        accept = request.headers.get("accept")
        media_type, stream = answer_type(accept), stream_type(accept)
        if media_type is None and stream is None:
            return HttpResponse("Answers are application/graphql-response+json or application/json.\n", 406)
        try:
            with self.readiness.request():
                response = await self._answer_to(visit, request, media_type, stream)
        except RequestRefused as refused:
            if isinstance(refused, Unauthenticated):
                _log.info("token refused: %s", refused.reason)
            if (entry := current_entry()) is not None:
                entry.failed_with([refused.code.value])
            response = _refused(refused, media_type or GRAPHQL)
        add_missing(response, visit.headers)
        return response

    async def _answer_to(
        self, visit: Visit, request: Request, media_type: str | None, stream: str | None
    ) -> HttpResponse:
        """Who asks and how often comes before the body."""
        await visit.identify()
        if token := token_in(request):
            return await self._on_shared_stream(visit, request, token, stream)
        if request.method in ("PUT", "DELETE"):
            return self._reserve(request, visit)
        await visit.ask()
        return await self._answer(visit, request, media_type, stream)

    async def _answer(self, visit: Visit, request: Request, media_type: str | None, stream: str | None) -> HttpResponse:
        asked, identity = await self._asked(visit, request), visit.identity
        await visit.ask_documents(asked if isinstance(asked, list) else [asked])
        exchange = Exchange(self._rules, request.headers.items())
        if isinstance(asked, list):
            return await self._batch(asked, identity, exchange, media_type or GRAPHQL)
        caller = SignedCaller(identity, self._signer, headers=exchange)
        pieces = pieces_type(request.headers.get("accept"))
        in_parts = pieces is not None and pieces.media_type == PARTS
        access = await self._pipeline.access(identity, asked)
        if (media_type is None and not in_parts) or (stream and await self._kind_of(asked, access) == "subscription"):
            return self._streams.answer(asked, visit, caller, stream or EVENTS, request.method, pieces)
        ready = await self._pipeline.ready(asked, in_pieces=pieces is not None, access=access)
        _refuse_wrong_kind(ready, request.method)
        if pieces is not None and ready.plan.deferral is not None:
            if not in_parts:
                return self._streams.answer(asked, visit, caller, EVENTS, request.method, pieces)
            return await self._in_parts(visit, request, asked, ready, caller, pieces, media_type)
        work = self._run(asked, ready, caller, _wants_plan(request, asked))
        if ready.plan.kind == "query":
            # A mutation that has begun is ended, whoever listens.
            work = until_client_leaves(request, work)
        response = await work
        cacheable = ready.plan.kind == "query" and not response.errors
        return _whole(response, media_type, pieces, exchange.to_client(cacheable))

    async def _in_parts(
        self,
        visit: Visit,
        request: Request,
        asked: OperationRequest,
        ready: Ready,
        caller: SignedCaller,
        pieces: Pieces,
        media_type: str | None,
    ) -> HttpResponse:
        """What comes at once is waited for, because its headers go before it."""
        results = results_of(self._pipeline, ready, caller, pieces.spelling, _wants_plan(request, asked))
        free = self._streams.place(visit.counted)
        work: Awaitable[Result] = anext(results)
        if ready.plan.kind == "query":
            work = until_client_leaves(request, work)
        try:
            first = await work
        except BaseException:
            free()
            raise
        headers = caller.headers.to_client(False) if isinstance(caller.headers, Exchange) else []
        if not isinstance(first, Piece) or not first.has_next:
            free()
            await results.aclose()
            return _whole(first, media_type, pieces, headers)
        return _with_headers(self._streams.in_parts(first, results, caller.identity, pieces, free), headers)

    def end_streams(self) -> None:
        self._streams.end()

    def _reserve(self, request: Request, visit: Visit) -> HttpResponse:
        """PUT without a token asks for a stream for many operations."""
        if request.method == "DELETE":
            raise BadRequest("Say which stream: its token is missing.")
        return self._streams.reserve(visit)

    async def _on_shared_stream(self, visit: Visit, request: Request, token: str, stream: str | None) -> HttpResponse:
        """GET opens the reserved stream, POST runs an operation on it, DELETE ends one."""
        if request.method == "GET" and stream == EVENTS and "query" not in request.query_params:
            return self._streams.open(token)
        identity = visit.identity
        if request.method == "DELETE":
            return self._streams.stop(token, request.query_params.get("operationId"), identity)
        if request.method == "PUT":
            raise BadRequest("This stream is reserved already.", 409, ErrorCode.CONFLICT)
        await visit.ask()
        asked = await self._asked(visit, request)
        if isinstance(asked, list):
            raise BadRequest("Send one operation at a time to a stream.")
        await visit.ask_documents([asked])
        exchange = Exchange(self._rules, request.headers.items())
        caller = SignedCaller(identity, self._signer, headers=exchange)
        return await self._streams.start(token, asked, identity, caller, request.method)

    async def _asked(self, visit: Visit, request: Request) -> OperationRequest | list[OperationRequest]:
        uploads = is_multipart(request)
        if self._prevents_csrf or uploads:
            refuse_unasked(request.headers)
        if request.method == "GET":
            return from_get(request.query_params)
        if not uploads and whole_body_of(request) is not None:
            return await from_post(request, self._limits)
        caller = visit.counted
        if not self._bodies.has_room(caller):
            raise BadRequest("Too many requests of yours have not come whole.", 429, ErrorCode.RATE_LIMITED)
        free = self._bodies.take(caller)
        try:
            # Until it has come it is no work: who sends slowly must not fill the gateway for others.
            with self.readiness.waiting_for_client():
                async with asyncio.timeout(self._settings.body_timeout_s):
                    if uploads:
                        return await from_multipart(request, self._settings.uploads, self._limits.max_body_bytes)
                    return await from_post(request, self._limits)
        except TimeoutError as error:
            raise BadRequest(f"The body did not come within {self._settings.body_timeout_s:g} s.", 408) from error
        finally:
            free()

    async def _batch(
        self, asked: list[OperationRequest], identity: Identity | None, exchange: Exchange, media_type: str
    ) -> HttpResponse:
        """Side by side; mutations, which may depend on one another, one after the other."""
        if (entry := current_entry()) is not None:
            entry.batch = len(asked)
        with writing(None):
            is_changing = any([await self._is_mutation(each, identity) for each in asked])
        if is_changing:
            parts = [await self._part_of_batch(each, identity, exchange) for each in asked]
        else:
            parts = await asyncio.gather(*(self._part_of_batch(each, identity, exchange) for each in asked))
        cacheable = not any("errors" in part for part in parts)
        return _http(_encoder.encode(parts), 200, media_type, exchange.to_client(cacheable))

    async def _is_mutation(self, asked: OperationRequest, identity: Identity | None) -> bool:
        return await self._kind_of(asked, await self._pipeline.access(identity, asked)) == "mutation"

    async def _kind_of(self, asked: OperationRequest, access: Access) -> str | None:
        try:
            return (await self._pipeline.ready(asked, access=access)).plan.kind
        except Overloaded:
            raise
        except RequestRefused:
            return None

    async def _run(self, asked: OperationRequest, ready: Ready, caller: SignedCaller, shows_plan: bool) -> Response:
        try:
            return await self._pipeline.answer(ready, caller, shows_plan)
        except Exception:
            # The last resort of one request: the process goes on, the client gets a trace id, the log the rest.
            _log.exception("request %s failed: %.200s", caller.trace_id, asked.query)
            error = ResponseError(
                "Something went wrong inside.", ErrorCode.INTERNAL, extensions=(("traceId", caller.trace_id),)
            )
            return Response(None, (error,))

    async def _part_of_batch(
        self, asked: OperationRequest, identity: Identity | None, exchange: Exchange
    ) -> dict[str, object]:
        entry = self._observers.begin_part(current_entry())
        if entry is None:
            return await self._answer_part(asked, identity, exchange)
        if identity is not None:
            entry.asked_by(identity.subject, identity.claims.get("tenant"))
        with writing(entry):
            try:
                return await self._answer_part(asked, identity, exchange)
            finally:
                self._observers.end_part(entry)

    async def _answer_part(
        self, asked: OperationRequest, identity: Identity | None, exchange: Exchange
    ) -> dict[str, object]:
        try:
            ready = await self._pipeline.ready(asked, access=await self._pipeline.access(identity, asked))
            _refuse_wrong_kind(ready, "POST")
            answered = await self._run(asked, ready, SignedCaller(identity, self._signer, headers=exchange), False)
        except RequestRefused as refused:
            if (entry := current_entry()) is not None:
                entry.failed_with([refused.code.value])
            answered = refusal(refused)
        return answered.as_json()


def _refuse_wrong_kind(ready: Ready, method: str) -> None:
    if method == "GET" and ready.plan.kind == "mutation":
        raise BadRequest("Mutations are sent by POST.", 405)
    if ready.plan.kind == "subscription":
        raise BadRequest(
            "Subscriptions go over WebSocket (graphql-transport-ws), or with `Accept: text/event-stream` or "
            "`multipart/mixed;subscriptionSpec=1.0`, on this path."
        )


def _wants_plan(request: Request, asked: OperationRequest) -> bool:
    return request.headers.get("x-query-plan", "") not in ("", "0") or bool((asked.extensions or {}).get("queryPlan"))


def _refused(error: RequestRefused, media_type: str) -> HttpResponse:
    response = _http(refusal(error).as_bytes(), status_of(error, media_type), media_type)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if isinstance(error, Overloaded):
        response.headers["Retry-After"] = str(random.randint(1, 2))  # noqa: S311 - no secret: not all at once
    if isinstance(error, TurnedAway):
        for name, value in error.headers:
            response.headers[name] = value
    if response.status_code == 405:
        response.headers["Allow"] = "POST"
    return response


def _whole(
    answer: Response | Piece, media_type: str | None, pieces: Pieces | None, headers: Sequence[tuple[str, str]]
) -> HttpResponse:
    """An answer in one piece; for a client that takes nothing but parts it is the only part."""
    if media_type is None and pieces is not None:
        return _with_headers(HttpResponse(only_part(answer), 200, None, pieces_media_type(pieces.parameter)), headers)
    return _http(answer.as_bytes(), 200, media_type or GRAPHQL, headers)


def _http(body: bytes, status: int, media_type: str, headers: Sequence[tuple[str, str]] = ()) -> HttpResponse:
    return WholeResponse(body, status, media_type, headers)


def _with_headers(response: HttpResponse, headers: Sequence[tuple[str, str]]) -> HttpResponse:
    response.headers["Vary"] = "Accept"
    for name, value in headers:
        response.headers.append(name, value)
    return response
