"""`python -m gateway compose`: files and running subgraphs in, a file or problems out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from gateway.__main__ import main
from tests.federation.harness.serving import served
from tests.gateway.composition.refused import linked

A = linked('type Query { t: T } type T @key(fields: "id") { id: ID! }')
B = linked('type T @key(fields: "id") { id: ID! n: Int }')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.graphql").write_text(A)
    (tmp_path / "b.graphql").write_text(B)
    return tmp_path


def test_files_become_a_file(folder: Path) -> None:
    out = folder / "supergraph.graphql"
    status = main(
        ["compose", f"{folder}/a.graphql", f"twins={folder}/b.graphql", "--url", "twins=http://b", "-o", str(out)]
    )
    assert status == 0
    assert 'A @join__graph(name: "a", url: "")' in out.read_text()
    assert 'TWINS @join__graph(name: "twins", url: "http://b")' in out.read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["a.graphql", "b.graphql", "supergraph.graphql"]


def test_without_an_output_the_supergraph_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", f"{folder}/a.graphql", f"{folder}/b.graphql"]) == 0
    assert capsys.readouterr().out.startswith("schema\n  @link(")


def test_what_stood_there_stays_when_the_subgraphs_do_not_compose(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "supergraph.graphql"
    out.write_text("old")
    (folder / "b.graphql").write_text(linked("type Query { t: Int }"))
    assert main(["compose", f"{folder}/a.graphql", f"{folder}/b.graphql", "-o", str(out)]) == 1
    assert out.read_text() == "old"
    told = capsys.readouterr().err
    assert told.startswith("The subgraphs do not compose (")
    assert "FIELD_TYPE_MISMATCH: " in told
    assert "(a:2:14, b:2:14)" in told


def test_problems_can_be_had_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "b.graphql").write_text("type Query {")
    assert main(["compose", "--format", "json", f"{folder}/a.graphql", f"{folder}/b.graphql"]) == 1
    (problem,) = json.loads(capsys.readouterr().err)
    assert problem["code"] == "INVALID_GRAPHQL"
    assert problem["places"] == [{"subgraph": "b", "line": 1, "column": 13}]


def test_a_file_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", f"{folder}/a.graphql", f"gone={folder}/gone.graphql"]) == 2
    assert 'Subgraph "gone": the file ' in capsys.readouterr().err


def test_hints_are_told_unless_they_are_not_wanted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.graphql").write_text(A + "enum E { X }")
    arguments = ["compose", f"{folder}/a.graphql", f"{folder}/b.graphql"]
    assert main(arguments) == 0
    assert 'hint: UNUSED_ENUM_TYPE: Enum "E" is used by nothing.' in capsys.readouterr().err
    assert main([*arguments, "--no-hints"]) == 0
    assert capsys.readouterr().err == ""


async def test_a_running_subgraph_is_asked_for_its_schema(folder: Path) -> None:
    async def answer(request: Request) -> JSONResponse:
        assert (await request.json())["query"] == "{ _service { sdl } }"
        return JSONResponse({"data": {"_service": {"sdl": B}}})

    out = folder / "supergraph.graphql"
    async with served(Starlette(routes=[Route("/graphql", answer, methods=["POST"])])) as url:
        arguments = ["compose", f"{folder}/a.graphql", f"b={url}/graphql", "-o", str(out)]
        assert await asyncio.to_thread(main, arguments) == 0
    assert f'B @join__graph(name: "b", url: "{url}/graphql")' in out.read_text()


async def test_an_address_that_tells_no_schema_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("hello", 500)

    async with served(Starlette(routes=[Route("/", answer, methods=["POST"])])) as url:
        assert await asyncio.to_thread(main, ["compose", f"{folder}/a.graphql", f"b={url}/"]) == 2
    assert capsys.readouterr().err == (
        f'Subgraph "b": {url}/ does not tell its schema by `{{ _service {{ sdl }} }}` '
        "(status 500 Internal Server Error): hello.\n"
    )
    assert await asyncio.to_thread(main, ["compose", f"{folder}/a.graphql", f"b={url}/"]) == 2
    assert "does not answer" in capsys.readouterr().err


async def test_what_a_running_subgraph_says_itself_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def answer(_: Request) -> JSONResponse:
        errors = [{"message": "Cannot query field '_service'."}, {"message": "Log in first."}]
        return JSONResponse({"data": None, "errors": errors})

    async with served(Starlette(routes=[Route("/", answer, methods=["POST"])])) as url:
        assert await asyncio.to_thread(main, ["compose", f"{folder}/a.graphql", f"b={url}/"]) == 2
    assert capsys.readouterr().err.endswith("(status 200 OK): Cannot query field '_service'.; Log in first.\n")


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "there").mkdir()
    arguments = ["compose", f"{folder}/a.graphql", f"{folder}/b.graphql", "-o"]
    assert main([*arguments, str(folder / "there")]) == 2
    assert main([*arguments, str(folder / "nowhere" / "x.graphql")]) == 2
    assert "The supergraph cannot be written to" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["a.graphql", "b.graphql", "there"]


def test_an_address_for_nobody_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", f"{folder}/a.graphql", "--url", "b=http://b"]) == 2
    assert 'Subgraph "b"' in capsys.readouterr().err
