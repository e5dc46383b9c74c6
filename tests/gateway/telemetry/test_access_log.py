"""The access log: a line for each operation, and never more waiting than there is room for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Limits, Settings, TelemetrySettings
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.entry import hash_of, new_entry
from tests.gateway.http.keys import ASKED, bearer, gateway
from tests.gateway.http.test_websocket import ask, heard, introduced


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_an_operation_is_a_line_without_tokens_and_variables(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    asked = {**ASKED, "operationName": "Me", "variables": {"secret": "hidden"}}
    async with gateway(
        tmp_path, Settings(compile_after=0, telemetry=TelemetrySettings(access_log=str(file)))
    ) as session:
        headers = bearer()
        for _ in range(3):
            async with session.post("/graphql", json=asked, headers=headers) as response:
                body = await response.read()
        async with session.post("/graphql", json={"query": "{ nothing }"}) as response:
            await response.read()
    first, _, third, refused = lines(file)
    told = {"face": "http", "method": "POST", "status": 200, "operation": "Me", "kind": "query", "fetches": 1}
    assert told.items() <= first.items()
    assert first["hash"] == hash_of(ASKED["query"])
    assert (first["tenant"], first["subject"], first["bytes"]) == ("t", "ada", len(body))
    assert (first["executed"], third["executed"]) == ("program", "program")
    assert len(first["traceId"]) == 32
    assert first["durationMs"] > 0
    assert refused["errors"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert refused["hash"] == hash_of("{ nothing }")
    assert "hidden" not in file.read_text()
    assert headers["Authorization"].split()[1] not in file.read_text()


async def test_each_operation_of_a_batch_is_a_line(tmp_path: Path) -> None:
    """A batch was one line, which told of its last operation as if there were no other."""
    file = tmp_path / "access.log"
    settings = Settings(limits=Limits(max_batch=5), telemetry=TelemetrySettings(access_log=str(file)))
    asked = [{**ASKED, "operationName": "Me"}, {"query": "{ nothing }"}, {"query": "{ __typename }"}]
    async with (
        gateway(tmp_path, settings) as session,
        session.post("/graphql", json=asked, headers=bearer()) as response,
    ):
        body = await response.read()
    *operations, request = lines(file)
    told = [(each["hash"], each.get("operation"), each["subject"], each.get("errors")) for each in operations]
    assert sorted(told, key=str) == sorted(
        [
            (hash_of(ASKED["query"]), "Me", "ada", None),
            (hash_of("{ nothing }"), None, "ada", ["GRAPHQL_VALIDATION_FAILED"]),
            (hash_of("{ __typename }"), None, "ada", None),
        ],
        key=str,
    )
    assert [each["fetches"] for each in operations if each.get("operation")] == [1]
    assert (request["batch"], request["status"], request["bytes"]) == (3, 200, len(body))
    assert "hash" not in request


async def test_an_operation_on_a_socket_is_a_line(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    settings = Settings(telemetry=TelemetrySettings(access_log=str(file)))
    async with gateway(tmp_path, settings) as session, introduced(str(session._base_url).rstrip("/")) as socket:
        await ask(socket, ASKED["query"])
        await heard(socket)
        await heard(socket)
    (line,) = lines(file)
    assert (line["face"], line["kind"], line["fetches"]) == ("websocket", "query", 1)


async def test_a_stream_of_events_is_a_line_when_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    settings, headers = Settings(telemetry=TelemetrySettings(access_log=str(file))), {"Accept": "text/event-stream"}
    async with gateway(tmp_path, settings) as client, client.post("/graphql", json=ASKED, headers=headers) as response:
        await response.read()
    (line,) = lines(file)
    assert (line["face"], line["status"], line["kind"], line["fetches"]) == ("sse", 200, "query", 1)


def test_what_finds_the_buffer_full_is_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.telemetry.access_log._EVERY_S", 60)
    log = AccessLog(str(tmp_path / "log"), max_waiting=2)
    for _ in range(5):
        log.add(new_entry("http"))
    log.close()
    written = lines(tmp_path / "log")
    assert len(written) == 3
    assert written[-1]["dropped"] == 3


def test_a_file_that_cannot_be_opened_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AccessLog(str(tmp_path / "nowhere" / "log"))
