"""`python -m tests.bench.gateway.load FILE`: closed or paced load over kept-alive connections, as cheap as it gets.

In: a `Load` as JSON. Out: a `Heard` as JSON on standard output. Every answer's status and length are checked, and of
one in `CHECKED` every byte. A loop over epoll that reads into one buffer: 88 kB cost about as much as moving them does.
"""

from __future__ import annotations

import array
import base64
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path

import msgspec
from msgspec import Struct

CHECKED = 16
_ROOM = 4 << 20
_PATIENCE_S = 10.0


class Load(Struct):
    """requests: whole HTTP requests in base64; answers: the body that each must get. orders: for each connection which
    requests it sends, over and over. warm_s: what goes before and is not counted. per_s: None: as fast as answers come.
    """

    port: int
    requests: list[str]
    answers: list[str]
    orders: list[list[int]]
    seconds: float
    warm_s: float = 0.0
    per_s: float | None = None


class Heard(Struct):
    """counts of the time that counts; latencies in ms, 0 where nothing came. `wrong`: the first few of the wrong.

    answered: all right ones (to refuse is cheap) from the first request of the counted time to the last answer, for
    which `seconds` were needed: of a slow gateway fifty come at once, and it would be chance how many are in time.
    """

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    wrong_answers: int
    wrong: list[str]
    cpu_us: float


class Connection:
    __slots__ = ("asked", "at", "began", "filled", "order", "peer", "room", "view", "wanted")

    def __init__(self, peer: socket.socket, order: list[int]) -> None:
        self.peer = peer
        self.order = order
        self.at = 0
        self.asked = 0
        self.began = 0.0
        self.room = bytearray(_ROOM)
        self.view = memoryview(self.room)
        self.filled = 0
        self.wanted = 0


class Generator:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._requests = [base64.b64decode(each) for each in load.requests]
        self._answers = [base64.b64decode(each) for each in load.answers]
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._free: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._ages = array.array("d")
        self._wrong: list[str] = []
        self._wrong_answers = 0
        self._seen = 0

    def run(self) -> Heard:
        for order in self._load.orders:
            peer = socket.create_connection(("127.0.0.1", self._load.port))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(peer, order)
            self._connections[peer.fileno()] = connection
            self._poll.register(peer, select.EPOLLIN)
            self._free.append(connection)
        if self._load.warm_s:
            self._go_on(self._load.warm_s)
            self._drain()
        self._ages, self._wrong_answers = array.array("d"), 0
        cpu, began = time.process_time(), time.perf_counter()
        self._go_on(self._load.seconds)
        self._drain()
        return self._heard(time.perf_counter() - began, time.process_time() - cpu)

    def _drain(self) -> None:
        """Hear out what is under way: a gateway that is left alone with it would work on in the next one's time."""
        end = time.perf_counter() + _PATIENCE_S
        while len(self._free) < len(self._connections) and time.perf_counter() < end:
            for number, _ in self._poll.poll(0.1):
                self._read(self._connections[number])
        if missing := len(self._connections) - len(self._free):
            self._wrong_answers += missing
            self._wrong.append(f"{missing} requests were not answered within {_PATIENCE_S:.0f} s")

    def _go_on(self, seconds: float) -> None:
        """Ask for so long."""
        clock, poll, connections = time.perf_counter, self._poll.poll, self._connections
        now = following = clock()
        end, gap = now + seconds, 1 / self._load.per_s if self._load.per_s else 0.0
        while now < end:
            if gap:
                while following <= now:
                    self._due.append(following)
                    following += gap
                while self._due and self._free:
                    self._ask(self._free.popleft(), self._due.popleft())
            else:
                while self._free:
                    self._ask(self._free.popleft(), clock())
            for number, _ in poll(max(0.0, (following if gap else end) - now)):
                self._read(connections[number])
            now = clock()

    def _ask(self, connection: Connection, began: float) -> None:
        """`began`: when it was due, so that a stall is charged for everybody who waited."""
        connection.asked = connection.order[connection.at]
        connection.at = (connection.at + 1) % len(connection.order)
        connection.began = began
        connection.filled = connection.wanted = 0
        request = self._requests[connection.asked]
        if connection.peer.send(request) != len(request):
            raise RuntimeError("a request did not go out at once")

    def _read(self, connection: Connection) -> None:
        got = connection.peer.recv_into(connection.view[connection.filled :])
        if not got:
            raise RuntimeError(
                f"the gateway closed a connection: {bytes(connection.view[: connection.filled])[:300]!r}"
            )
        connection.filled += got
        if not connection.wanted:
            connection.wanted = _size(connection.room, connection.filled)
        if connection.wanted < 0:
            if not connection.room.endswith(b"0\r\n\r\n", 0, connection.filled):
                connection.wanted = 0
                return
        elif not connection.wanted or connection.filled < connection.wanted:
            return
        took = time.perf_counter() - connection.began
        if self._is_right(connection):
            self._ages.append(took)
        self._free.append(connection)

    def _is_right(self, connection: Connection) -> bool:
        room, answer = connection.room, self._answers[connection.asked]
        self._seen += 1
        if connection.wanted > 0 and self._seen % CHECKED:
            head = room.find(b"\r\n\r\n") + 4
            if room.startswith(b"HTTP/1.1 200") and connection.wanted - head == len(answer):
                return True
        response = bytes(connection.view[: connection.filled])
        if response.startswith(b"HTTP/1.1 200") and _body(response) == answer:
            return True
        self._wrong_answers += 1
        if len(self._wrong) < 3:
            self._wrong.append(f"request {connection.asked}: {response[:400]!r}")
        return False

    def _heard(self, took: float, cpu_s: float) -> Heard:
        ages = sorted(self._ages)

        def at(share: float) -> float:
            return ages[min(len(ages) - 1, int(share * len(ages)))] * 1000 if ages else 0.0

        answered = len(ages)
        cpu_us = cpu_s / max(1, answered) * 1e6
        return Heard(answered, took, at(0.5), at(0.99), at(1.0), self._wrong_answers, self._wrong, cpu_us)


def _size(room: bytearray, filled: int) -> int:
    """Bytes of the whole response; 0: not known yet; -1: it comes in chunks."""
    end = room.find(b"\r\n\r\n", 0, filled)
    if end < 0:
        return 0
    head = bytes(room[:end]).lower()
    at = head.find(b"\r\ncontent-length:")
    return -1 if at < 0 else end + 4 + int(head[at + 17 :].split(b"\r\n", 1)[0])


def _body(response: bytes) -> bytes:
    head, _, rest = response.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return rest
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body


if __name__ == "__main__":
    given = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Load)
    print(msgspec.json.encode(Generator(given).run()).decode())
