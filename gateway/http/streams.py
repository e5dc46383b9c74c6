"""The face for answers that go on: server-sent events in both modes, and multipart subscriptions.

In: a request that names a stream in `Accept`, or a reserved stream's token. Out: a response that ends with the
operation or with the client. What an operation is refused for comes as the first and last event; who is asking, and
what is no request at all, is refused as plain HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.responses import Response as HttpResponse

from gateway.errors import ErrorCode, RequestRefused, Unauthenticated
from gateway.execution.pieces import Piece, Spelling
from gateway.http import event_stream, multipart_stream
from gateway.http.caller_name import Counted, counted
from gateway.http.caller_places import CallerPlaces, Free
from gateway.http.door import Visit
from gateway.http.event_stream import SharedStream, SharedStreams, events_of
from gateway.http.identity import CallerTokenSigner, Identity, SignedCaller
from gateway.http.live import LONGEST_ID, LiveResponse, Result, paced, results_of
from gateway.http.multipart_stream import parts_of, pieces_media_type, pieces_of
from gateway.http.negotiation import EVENTS, Pieces, spelling_of
from gateway.http.reading import BadRequest
from gateway.http.refusals import refusal
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import OperationRequest, Ready
from gateway.settings import StreamSettings

Results = AsyncGenerator[Result, None]


class GraphQLOverStreams:
    def __init__(self, pipeline: LivePipeline, signer: CallerTokenSigner | None, settings: StreamSettings) -> None:
        self._pipeline = pipeline
        self._signer = signer
        self._settings = settings
        self._shared = SharedStreams(settings.max_shared)
        self._places = CallerPlaces(settings.max_streams, settings.max_streams_of_address)

    def answer(
        self,
        asked: OperationRequest,
        visit: Visit,
        caller: SignedCaller,
        kind: str,
        method: str,
        pieces: Pieces | None,
    ) -> LiveResponse:
        """One operation in a stream of its own, of the `kind` that `Accept` names; as events perhaps in pieces."""
        free = self.place(visit.counted)
        spelling = pieces.spelling if pieces and kind == EVENTS else None
        results = paced(self._results(asked, caller, method, spelling), visit.identity, self._settings.beat_s)
        if kind == EVENTS:
            return LiveResponse(events_of(results), event_stream.MEDIA_TYPE, free)
        return LiveResponse(parts_of(results), multipart_stream.MEDIA_TYPE, free)

    def place(self, caller: Counted) -> Free:
        """A place for one more stream of the caller."""
        self._refuse_one_more(caller)
        return self._places.take(caller)

    def in_parts(
        self, first: Piece, rest: Results, identity: Identity | None, pieces: Pieces, free: Free
    ) -> LiveResponse:
        """A deferred answer whose first piece is there already, until the caller's token runs out."""
        parts = pieces_of(first, paced(rest, identity, self._settings.beat_s))
        return LiveResponse(parts, pieces_media_type(pieces.parameter), free)

    def end(self) -> None:
        """The connections of single-connection mode; all other streams end by themselves."""
        self._shared.end()

    def reserve(self, visit: Visit) -> HttpResponse:
        self._refuse_one_more(visit.counted)
        return PlainTextResponse(self._shared.reserve(_owner(visit.identity), visit.counted.name), 201)

    def open(self, token: str) -> LiveResponse:
        """The reserved stream. Its token is the ticket: a browser's EventSource can show no other."""
        if self._shared.ticket(token).opened:
            raise BadRequest("This stream is open already.", 409, ErrorCode.CONFLICT)
        return LiveResponse(self._shared.read(token, self._settings.beat_s), event_stream.MEDIA_TYPE)

    async def start(
        self, token: str, asked: OperationRequest, identity: Identity | None, caller: SignedCaller, method: str
    ) -> HttpResponse:
        """Run the operation; its results go to the reserved stream."""
        name = (asked.extensions or {}).get("operationId")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
            raise BadRequest(
                f"Send `extensions.operationId`, 1 to {LONGEST_ID} characters, another for each operation."
            )
        self._with_room(token, identity)
        access = await self._pipeline.access(identity, asked)
        ready = await self._pipeline.ready(asked, in_pieces=True, access=access)
        _refuse_mutation_by_get(ready, method)
        # Looked at again: while it was planned, the stream may have ended, or others have taken the room.
        stream = self._with_room(token, identity)
        results = results_of(self._pipeline, ready, caller, spelling_of(asked.extensions))
        stream.start(name, paced(results, identity, self._settings.beat_s))
        return HttpResponse(status_code=202)

    def _with_room(self, token: str, identity: Identity | None) -> SharedStream:
        stream = self._shared.stream(token, _owner(identity))
        if len(stream) >= self._settings.max_operations:
            raise BadRequest("Too many operations run on this stream.", 429, ErrorCode.RATE_LIMITED)
        return stream

    def stop(self, token: str, name: str | None, identity: Identity | None) -> HttpResponse:
        if not name:
            raise BadRequest("The parameter `operationId` is missing.")
        self._shared.stream(token, _owner(identity)).stop(name)
        return HttpResponse(status_code=200)

    def _refuse_one_more(self, caller: Counted) -> None:
        """A caller's streams are counted together, of their own and reserved ones."""
        if not self._places.has_room(caller, besides=self._shared.held_by(caller.name)):
            raise BadRequest("Too many streams of yours are open.", 429, ErrorCode.RATE_LIMITED)

    async def _results(
        self, asked: OperationRequest, caller: SignedCaller, method: str, spelling: Spelling | None
    ) -> Results:
        try:
            access = await self._pipeline.access(caller.identity, asked)
            ready = await self._pipeline.ready(asked, in_pieces=spelling is not None, access=access)
            _refuse_mutation_by_get(ready, method)
        except Unauthenticated:
            raise
        except RequestRefused as refused:
            yield refusal(refused)
            return
        results = results_of(self._pipeline, ready, caller, spelling or Spelling.PENDING)
        try:
            async for result in results:
                yield result
        finally:
            await results.aclose()


def _refuse_mutation_by_get(ready: Ready, method: str) -> None:
    if method == "GET" and ready.plan.kind == "mutation":
        raise BadRequest("Mutations are sent by POST.", 405)


def token_in(request: Request) -> str | None:
    """The reserved stream that the request belongs to."""
    token = request.headers.get(event_stream.TOKEN_HEADER)
    return token or (request.query_params.get("token") if request.scope["query_string"] else None)


def _owner(identity: Identity | None) -> str | None:
    """Whose a reserved stream is; without a token its own one is all that a client has, whatever its address."""
    return None if identity is None else counted(identity, "").name
