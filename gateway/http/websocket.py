"""The WebSocket face: the server's side of `graphql-transport-ws`, for subscriptions, queries and mutations.

In: a WebSocket. Out: the protocol's messages until somebody closes. Closes with 4400 (unreadable), 4401 (asks before it
introduced itself), 4403 (a token that does not hold, or one that ran out), 4406 (another sub-protocol), 4408 (too slow
to introduce itself), 4409 (an id in use), 4429 (introduced twice, or too many operations or sockets at once).

A `ping` may bring a newer token of the same caller in its payload (`authorization`); a `pong` tells the server's time.

Nothing is queued here: an event is taken when the one before is on its way; how many wait for a slow reader is
`gateway.streams`' business. One that stops reading answers no ping: `SocketProtocol` ends it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from typing import cast

import msgspec
from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.errors import ErrorCode, GatewayError, RequestRefused, Unauthenticated
from gateway.execution.pieces import Piece
from gateway.execution.response import Response, ResponseError, SubscriptionFailed
from gateway.http.caller_places import CallerPlaces, Free
from gateway.http.door import Door
from gateway.http.ending import ended
from gateway.http.identity import CallerTokenSigner, Identity, SignedCaller
from gateway.http.live import LONGEST_ID
from gateway.http.negotiation import spelling_of
from gateway.http.rate_limits import TurnedAway
from gateway.http.refusals import refusal
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import OperationRequest, Ready
from gateway.settings import WebSocketSettings
from gateway.streams.errors import GatewayLeaves
from gateway.telemetry.entry import current_entry, writing
from gateway.telemetry.observers import Observers

SUBPROTOCOL = "graphql-transport-ws"
_CLOSE_TIMEOUT_S = 2.0
# RFC 6455, 5.5: a control frame holds 125 bytes, of which the code takes two.
_REASON_BYTES = 123
_log = logging.getLogger("gateway")
_encoder = msgspec.json.Encoder()


class _Message(Struct):
    type: str
    id: str | None = None
    payload: dict[str, object] | None = None


_decoder = msgspec.json.Decoder(_Message)


class _Closing(GatewayError):
    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(reason)
        self.close_code = close_code
        self.reason = reason.encode()[:_REASON_BYTES].decode(errors="ignore")


class _Gone(GatewayError):
    """The socket is closed: there is nobody left to tell."""


class GraphQLOverWebSocket:
    def __init__(
        self,
        pipeline: LivePipeline,
        door: Door,
        signer: CallerTokenSigner | None,
        settings: WebSocketSettings,
        observers: Observers | None = None,
    ) -> None:
        self.observers = observers or Observers()
        self.pipeline, self.door, self.signer, self.settings = pipeline, door, signer, settings
        self.sockets = CallerPlaces(settings.max_sockets, settings.max_sockets_of_address)

    async def serve(self, socket: WebSocket) -> None:
        if not self.door.admits():
            await self.door.shedding.refuse_socket(socket)
            return
        if SUBPROTOCOL not in socket.scope.get("subprotocols", []):
            await socket.accept()
            await socket.close(4406, "Subprotocol not acceptable")
            return
        await socket.accept(SUBPROTOCOL)
        await _Connection(self, socket).serve()


class _Connection:
    def __init__(self, face: GraphQLOverWebSocket, socket: WebSocket) -> None:
        self._face = face
        self._socket = socket
        self._sending = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._identity: Identity | None = None
        self._callers: dict[str, SignedCaller] = {}
        self._live: dict[str, Ready] = {}
        self._life: asyncio.Timeout | None = None
        self._visit = face.door.visit(socket)
        self._free: Free = lambda: None

    async def serve(self) -> None:
        try:
            # Before it says anything: who never introduces themselves holds a socket, too.
            self._take_place()
            await self._introduced()
            async with asyncio.timeout(self._seconds_left()) as self._life:
                while True:
                    await self._handle(await self._next_message())
        except _Closing as closing:
            await self._close(closing.close_code, closing.reason)
        except TimeoutError:
            await self._close(4403, "Token expired")
        except _Gone:
            pass
        finally:
            self._free()
            await self._stop_all()

    def _take_place(self) -> None:
        """A place among the sockets of the address or, once it is known, of the caller instead."""
        caller, sockets = self._visit.counted, self._face.sockets
        if not sockets.has_room(caller):
            raise _Closing(4429, "Too many sockets at once")
        self._free()
        self._free = sockets.take(caller)

    async def _introduced(self) -> None:
        try:
            async with asyncio.timeout(self._face.settings.init_timeout_s):
                # One time for all of it: who only pings holds the socket no longer.
                while (first := await self._next_message()).type in ("ping", "pong"):
                    if first.type == "ping":
                        await self._pong()
        except TimeoutError:
            raise _Closing(4408, "Connection initialisation timeout") from None
        if first.type != "connection_init":
            raise _Closing(4401, "Unauthorized")
        identity = await self._verified(_authorization_in(first))
        if identity is not None:
            self._take_place()
        self._identity = identity
        await self._send({"type": "connection_ack"})

    async def _verified(self, authorization: str | None) -> Identity | None:
        try:
            return await self._visit.identify(authorization)
        except Unauthenticated as refused:
            _log.info("token refused: %s", refused.reason)
            raise _Closing(4403, "Forbidden") from refused
        except RequestRefused as refused:
            raise _Closing(4429 if isinstance(refused, TurnedAway) else 4400, str(refused)[:120]) from refused

    async def _renew(self, authorization: str) -> None:
        """A newer token of the same caller: the socket and what runs on it live as long as that one."""
        identity = await self._verified(authorization)
        known = self._identity
        if identity is None or known is None or self._life is None:
            raise _Closing(4403, "Forbidden")
        if (identity.subject, identity.claims.get("tenant")) != (known.subject, known.claims.get("tenant")):
            raise _Closing(4403, "Another caller's token")
        self._identity = identity
        self._life.reschedule(asyncio.get_running_loop().time() + (self._seconds_left() or 0.0))
        for caller in self._callers.values():
            caller.renew(identity)
        await self._end_unauthorised(identity)

    async def _end_unauthorised(self, identity: Identity) -> None:
        """Subscriptions of which the newer token does not permit all that the older one did."""
        for name, ready in list(self._live.items()):
            access = await self._face.pipeline.access(identity, ready.request, patient=True)
            goes_on = await self._face.pipeline.may_go_on(ready, access)
            if self._live.get(name) is ready and not goes_on:
                self._live.pop(name)
                self._end(name)
                message = "The newer token does not permit all of this; subscribe again."
                error = ResponseError(message, ErrorCode.UNAUTHORIZED_FIELD_OR_TYPE)
                await self._send_error(name, Response(errors=(error,)))

    async def _pong(self) -> None:
        """With the server's time, by which a client can set its clock."""
        await self._send({"type": "pong", "payload": {"serverTimeMs": round(time.time() * 1000)}})

    def _seconds_left(self) -> float | None:
        """A socket lives no longer than the token it was opened with."""
        return None if self._identity is None else max(0.0, self._identity.expires_at - time.time())

    async def _handle(self, message: _Message) -> None:
        match message:
            case _Message("ping"):
                if authorization := _authorization_in(message):
                    await self._renew(authorization)
                await self._pong()
            case _Message("pong"):
                pass
            case _Message("subscribe", str(name), dict(payload)):
                self._start(name, payload)
            case _Message("complete", str(name)):
                self._end(name)
            case _Message("connection_init"):
                raise _Closing(4429, "Too many initialisation requests")
            case _:
                raise _Closing(4400, f"Invalid message of type {message.type:.40}")

    def _end(self, name: str) -> None:
        if running := self._running.pop(name, None):
            ending = asyncio.create_task(ended(running))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    def _start(self, name: str, payload: dict[str, object]) -> None:
        if len(name) > LONGEST_ID:
            raise _Closing(4400, f"An id has {LONGEST_ID} characters at most")
        if name in self._running:
            raise _Closing(4409, f"Subscriber for {name:.60} already exists")
        if len(self._running) >= self._face.settings.max_operations:
            raise _Closing(4429, "Too many operations at once")
        try:
            asked = msgspec.convert(payload, OperationRequest)
        except msgspec.ValidationError:
            raise _Closing(4400, "Invalid subscribe payload") from None
        self._running[name] = asyncio.create_task(self._run_told(name, asked))

    async def _run_told(self, name: str, asked: OperationRequest) -> None:
        observers = self._face.observers
        entry = observers.begin("websocket")
        if entry is None:
            await self._run(name, asked)
            return
        if self._identity is not None:
            entry.asked_by(self._identity.subject, self._identity.claims.get("tenant"))
        with writing(entry):
            try:
                await self._run(name, asked)
            finally:
                observers.end(entry)

    async def _run(self, name: str, asked: OperationRequest) -> None:
        caller = self._callers[name] = SignedCaller(self._identity, self._face.signer)
        try:
            await self._answer(name, asked, caller)
        except RequestRefused as refused:
            if (entry := current_entry()) is not None:
                entry.failed_with([refused.code.value])
            await self._send_error(name, refusal(refused))
        except SubscriptionFailed as failed:
            if (entry := current_entry()) is not None:
                entry.failed_with([failed.code.value])
            await self._send_error(name, Response(errors=(failed.error,)))
        except (_Gone, GatewayLeaves):
            pass
        except Exception:
            # The last resort of one operation: the socket and its other operations go on.
            _log.exception("request %s failed: %.200s", caller.trace_id, asked.query)
            error = ResponseError(
                "Something went wrong inside.", ErrorCode.INTERNAL, extensions=(("traceId", caller.trace_id),)
            )
            await self._send_error(name, Response(errors=(error,)))
        finally:
            if self._callers.get(name) is caller:
                del self._callers[name]
                self._live.pop(name, None)
            if self._running.get(name) is asyncio.current_task():
                del self._running[name]

    async def _answer(self, name: str, asked: OperationRequest, caller: SignedCaller) -> None:
        pipeline = self._face.pipeline
        self._visit.refuse_overloaded()
        await self._visit.ask()
        await self._visit.ask_documents([asked])
        ready = await self._ready(caller, asked)
        shows_plan = bool((asked.extensions or {}).get("queryPlan"))
        if ready.plan.kind == "subscription":
            self._live[name] = ready
            async with aclosing(pipeline.events(ready, caller)) as events:
                async for response in events:
                    await self._send_next(name, response)
        elif ready.plan.deferral is not None:
            async with aclosing(pipeline.pieces(ready, caller, spelling_of(asked.extensions), shows_plan)) as pieces:
                async for piece in pieces:
                    await self._send_next(name, piece)
        else:
            with self._face.door.readiness.request():
                response = await pipeline.answer(ready, caller, shows_plan)
            await self._send_next(name, response)
        # Freed before the client learns of it: it may use the id again at once.
        self._running.pop(name, None)
        await self._send({"id": name, "type": "complete"})

    async def _ready(self, caller: SignedCaller, asked: OperationRequest) -> Ready:
        pipeline = self._face.pipeline
        while True:
            identity = caller.identity
            access = await pipeline.access(identity, asked)
            ready = await pipeline.ready(asked, in_pieces=True, access=access)
            if caller.identity is identity:
                # No newer token came meanwhile.
                return ready

    async def _send_next(self, name: str, response: Response | Piece) -> None:
        await self._send({"id": name, "type": "next", "payload": msgspec.Raw(response.as_bytes())})

    async def _send_error(self, name: str, response: Response) -> None:
        self._running.pop(name, None)
        with suppress(_Gone):
            await self._send({"id": name, "type": "error", "payload": [each.as_json() for each in response.errors]})

    async def _next_message(self) -> _Message:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise _Gone
        text = received.get("text") or received.get("bytes") or b""
        if len(text) > self._face.settings.max_message_bytes:
            raise _Closing(4400, "Message too large")
        try:
            return _decoder.decode(cast(str, text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Closing(4400, "Invalid message") from None

    async def _send(self, message: dict[str, object]) -> None:
        text = _encoder.encode(message).decode()
        async with self._sending:
            try:
                await self._socket.send_text(text)
            except (WebSocketDisconnect, RuntimeError) as error:
                raise _Gone from error

    async def _close(self, code: int, reason: str) -> None:
        # Before the close frame, which a client that does not read keeps waiting: its operations must not wait too.
        await self._stop_all()
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._socket.close(code, reason)

    async def _stop_all(self) -> None:
        await asyncio.gather(*map(ended, self._running.values()), *self._ending)


def _authorization_in(message: _Message) -> str | None:
    named = {name.lower(): value for name, value in (message.payload or {}).items()}
    value = named.get("authorization")
    if value is None or isinstance(value, str):
        return value
    raise _Closing(4400, "Invalid authorization")
