"""The explorer is served whole from the gateway: page, scripts and examples, over a real socket."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import uvicorn
from starlette.applications import Starlette

from gateway.http.explorer_page import PAGE, example_documents, explorer_routes


def test_an_example_is_named_by_its_file_and_summarised_by_its_first_comment(tmp_path: Path) -> None:
    (tmp_path / "020-bad-batch.graphql").write_text("# Which parts failed\n{ a }\n")
    (tmp_path / "010-plain.graphql").write_text("{ b }\n")
    (tmp_path / "010-plain.json").write_text('{"x": 1}')
    assert example_documents(tmp_path) == [
        {"name": "plain", "summary": "", "document": "{ b }\n", "variables": '{"x": 1}'},
        {
            "name": "bad batch",
            "summary": "Which parts failed",
            "document": "# Which parts failed\n{ a }\n",
            "variables": "",
        },
    ]


async def test_everything_the_page_asks_for_comes_from_the_gateway(tmp_path: Path) -> None:
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=explorer_routes(tmp_path)), host="127.0.0.1", port=0, log_level="error")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            page = await (await session.get("/")).text()
            assets = re.findall(r'(?:src|href)="(explorer/[^"]+)"', page)
            assert len(assets) == 2
            statuses = {asset: (await session.get(f"/{asset}")).status for asset in [*assets, "explorer/examples.json"]}
            assert set(statuses.values()) == {200}, statuses
    finally:
        server.should_exit = True
        await serving


def test_nothing_on_the_page_is_loaded_from_elsewhere() -> None:
    for path in PAGE.iterdir():
        assert not re.search(r"https?://|//cdn", path.read_text().replace("^http", "")), path.name
