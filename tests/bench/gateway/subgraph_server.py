"""`python -m tests.bench.gateway.subgraph_server PORT`: all four subgraphs, so cheap that the gateway is what counts.

In: `POST /<subgraph>` with a GraphQL request. Out: its answer; the second time, for the same body, the bytes of the
first. `GET /stats` says how many requests were answered, and how many different ones there are; `GET /authors/one` and
`/authors/unique` choose the data. Only what the gateways of the bench send is understood:
HTTP/1.1 with a Content-Length, or chunks. A loop over epoll, since a framework would cost more than the gateway.
"""

from __future__ import annotations

import json
import select
import socket
import sys

from graphql import execute, parse, validate

from tests.bench.gateway.graph import SDLS, Graph, subgraph_schema, whole_schema

_ROOM = 1 << 20
WHOLE = "graphql"
"""The path of a graph without subgraphs: its answers, ready made, are what a load generator can take at most."""


COLLECTOR = "v1/traces"
"""Where spans are taken, and forgotten: what a collector does with them is nobody's share here."""


class Subgraphs:
    def __init__(self) -> None:
        self._graph = Graph(unique_authors=False)
        self._kept_of: dict[bool, dict[bytes, bytes]] = {False: {}, True: {}}
        self._kept = self._kept_of[False]
        self.answered = 0

    def answer(self, head: bytes, body: bytes) -> bytes:
        """A whole response, head and all."""
        path = head[: head.find(b" HTTP")]
        kept = self._kept.get(path + body)
        if kept is not None:
            self.answered += 1
            return kept
        method, _, name = path.decode().partition(" /")
        if method == "GET":
            return _response(self._told(name))
        if name == COLLECTOR:
            return _response(b"{}")
        if name not in SDLS and name != WHOLE:
            return _response(b'{"errors": [{"message": "no such subgraph"}]}', b"404 Not Found")
        self.answered += 1
        response = _response(self.executed(name, body))
        if len(self._kept) < 20_000:
            self._kept[path + body] = response
        return response

    def _told(self, name: str) -> bytes:
        if name.startswith("authors/"):
            self._graph = Graph(unique_authors=name == "authors/unique")
            self._kept = self._kept_of[self._graph.unique_authors]
        return json.dumps({"answered": self.answered, "different": len(self._kept)}).encode()

    def executed(self, name: str, body: bytes) -> bytes:
        """By graphql-core, the answer's JSON."""
        asked, schema = json.loads(body), whole_schema() if name == WHOLE else subgraph_schema(name)
        document = parse(asked["query"])
        if problems := validate(schema, document):
            return json.dumps({"errors": [each.formatted for each in problems]}).encode()
        result = execute(
            schema,
            document,
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
            field_resolver=lambda source, info, **arguments: (
                {"sdl": SDLS[name]} if info.field_name == "_service" else self._graph.resolve(source, info, **arguments)
            ),
            type_resolver=self._graph.type_of,
        )
        return json.dumps(result.formatted, separators=(",", ":"), ensure_ascii=False).encode()


def _response(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


class Connection:
    """What one peer has sent and not been answered yet, and what it has not taken yet."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.received = b""
        self.unsent = b""

    def requests(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The requests that are whole now, each as head and body."""
        data = self.received + data if self.received else data
        found = []
        while data:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                break
            head = data[:end]
            size, body = _body(head, data, end + 4)
            if size < 0:
                break
            found.append((head, body))
            data = data[size:]
        self.received = data
        return found


def _body(head: bytes, data: bytes, start: int) -> tuple[int, bytes]:
    """Where the request ends, and its body; -1 where there is more to come."""
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        end = start + int(lower[at + 17 :].split(b"\r\n", 1)[0])
        return (end, data[start:end]) if len(data) >= end else (-1, b"")
    if b"\r\ntransfer-encoding: chunked" not in lower:
        return start, b""
    body, at = b"", start
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        at = line + 4 + size
        if len(data) < at:
            break
        if size == 0:
            return at, body
        body += data[line + 2 : line + 2 + size]
    return -1, b""


def serve(port: int) -> None:
    subgraphs, connections = Subgraphs(), dict[int, Connection]()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    print(f"subgraphs on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        for number, events in poll.poll():
            connection = connections.get(number)
            if connection is None:
                peer, _ = listener.accept()
                peer.setblocking(False)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
                connections[peer.fileno()] = Connection(peer)
                poll.register(peer, select.EPOLLIN)
            elif not _serve_one(connection, events, subgraphs, poll):
                poll.unregister(number)
                del connections[number]
                connection.peer.close()


def _serve_one(connection: Connection, events: int, subgraphs: Subgraphs, poll: select.epoll) -> bool:
    """Whether the connection goes on."""
    try:
        if events & select.EPOLLOUT:
            answers = b""
        else:
            data = connection.peer.recv(_ROOM)
            if not data:
                return False
            answers = b"".join([subgraphs.answer(head, body) for head, body in connection.requests(data)])
        unsent = connection.unsent + answers if connection.unsent else answers
        if unsent:
            sent = connection.peer.send(unsent)
            connection.unsent = unsent[sent:] if sent < len(unsent) else b""
            if connection.unsent or events & select.EPOLLOUT:
                # Who does not read is not read from either.
                poll.modify(connection.peer, select.EPOLLOUT if connection.unsent else select.EPOLLIN)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


if __name__ == "__main__":
    serve(int(sys.argv[1]))
