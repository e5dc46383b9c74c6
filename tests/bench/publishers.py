"""`python -m tests.bench.publishers PORT PUBLISHERS HZ`: a subgraph that says where machines are.

Speaks graphql-transport-ws at any path. Each open subscription gets every event in the shape that it asked for, with
the moment (`at`, seconds of the machine's monotonic clock) at which it was made. Nobody is waited for.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from dataclasses import dataclass
from typing import Any

import msgspec
import uvloop
from graphql import FieldNode, IntValueNode, OperationDefinitionNode, SelectionSetNode, VariableNode, parse
from websockets.asyncio.server import ServerConnection, broadcast, serve

Json = Any
_encoder = msgspec.json.Encoder()


@dataclass
class Stream:
    """One subscription: `padding` is how long the event's `note` shall be."""

    socket: ServerConnection
    id: str
    root: FieldNode
    padding: int

    def send(self, event: Json) -> None:
        key = self.root.alias.value if self.root.alias else self.root.name.value
        data = {key: shaped(self.root.selection_set, {**event, "note": "x" * self.padding})}
        message = {"id": self.id, "type": "next", "payload": {"data": data}}
        broadcast([self.socket], _encoder.encode(message).decode())


def shaped(selections: SelectionSetNode | None, value: Json) -> Json:
    """The fields that were asked for, under the names that they were asked by."""
    if selections is None:
        return value
    found = {}
    for field in selections.selections:
        assert isinstance(field, FieldNode), "gateways ask these objects without fragments"
        key = field.alias.value if field.alias else field.name.value
        found[key] = shaped(field.selection_set, value[field.name.value])
    return found


def stream_of(socket: ServerConnection, message: Json) -> Stream:
    payload = message["payload"]
    (operation,) = parse(payload["query"]).definitions
    assert isinstance(operation, OperationDefinitionNode)
    (root,) = operation.selection_set.selections
    assert isinstance(root, FieldNode)
    padding = 0
    for argument in root.arguments or ():
        if isinstance(argument.value, IntValueNode):
            padding = int(argument.value.value)
        elif isinstance(argument.value, VariableNode):
            padding = int((payload.get("variables") or {})[argument.value.name.value])
    return Stream(socket, message["id"], root, padding)


async def main(port: int, publishers: int, rate_hz: float) -> None:
    streams: dict[tuple[ServerConnection, str], Stream] = {}

    async def handle(socket: ServerConnection) -> None:
        try:
            async for text in socket:
                message = msgspec.json.decode(text)
                match message["type"]:
                    case "connection_init":
                        await socket.send('{"type":"connection_ack"}')
                    case "ping":
                        await socket.send('{"type":"pong"}')
                    case "subscribe":
                        streams[socket, message["id"]] = stream_of(socket, message)
                    case "complete":
                        streams.pop((socket, message["id"]), None)
        finally:
            for key in [key for key in streams if key[0] is socket]:
                del streams[key]

    async with serve(handle, "127.0.0.1", port, subprotocols=["graphql-transport-ws"], compression=None):  # type: ignore[list-item]
        began, step_s = time.monotonic(), 1 / (publishers * rate_hz)
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number * step_s - time.monotonic()))
            event = {
                "__typename": "Pose",
                "machine": {"__typename": "Machine", "id": f"m{number % publishers}"},
                "x": float(number),
                "at": time.monotonic(),
            }
            for stream in list(streams.values()):
                stream.send(event)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
