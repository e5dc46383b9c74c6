"""Pages beside the graph: what is served, under which policy, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette
from yarl import URL

from gateway.http.page_folders import PageRefused, page_routes, policy_of
from gateway.settings import PageFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>")
    (page / "page.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("kept outside")
    return page


async def test_a_page_is_served_whole_under_its_policy(folder: Path) -> None:
    async with _served({"viewer": PageFolder(folder, ("http://127.0.0.1:8333",))}) as session:
        for path, kind in (("/viewer/", "text/html"), ("/viewer/page.js", "javascript")):
            async with session.get(path) as response:
                assert (response.status, kind in response.headers["content-type"]) == (200, True)
                assert response.headers["content-security-policy"] == policy_of(("http://127.0.0.1:8333",))
                assert response.headers["referrer-policy"] == "no-referrer"
                assert response.headers["x-content-type-options"] == "nosniff"


async def test_an_address_without_its_slash_keeps_what_it_asks_for(folder: Path) -> None:
    async with (
        _served({"viewer": PageFolder(folder)}) as session,
        session.get("/viewer?scan=1", allow_redirects=False) as response,
    ):
        assert response.status in (307, 308)
        assert URL(response.headers["location"]).path_qs == "/viewer/?scan=1"


async def test_nothing_outside_the_folder_is_served(folder: Path) -> None:
    async with _served({"viewer": PageFolder(folder)}) as session:
        for path in ("/viewer/../secret.txt", "/viewer/%2e%2e/secret.txt", "/viewer/..%2fsecret.txt"):
            async with session.get(URL(str(session._base_url) + path.lstrip("/"), encoded=True)) as response:
                assert (response.status, "kept" in await response.text()) == (404, False), path


def test_a_policy_lets_in_its_own_host_and_the_given_origins_only() -> None:
    assert policy_of(("https://store.example:8333",)) == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self' https://store.example:8333; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    "origin", ["*", "https://a.example/path", "https://a.example; script-src *", "store", "https:"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(PageRefused):
        policy_of((origin,))


@pytest.mark.parametrize("name", ["", "Viewer", "a/b", "../a"])
def test_a_name_that_is_no_single_step_of_a_path_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(PageRefused):
        page_routes({name: PageFolder(folder)})


def test_a_folder_without_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PageRefused):
        page_routes({"viewer": PageFolder(tmp_path)})


@asynccontextmanager
async def _served(pages: dict[str, PageFolder]) -> AsyncIterator[aiohttp.ClientSession]:
    app = Starlette(routes=page_routes(pages))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}/") as session:
            yield session
    finally:
        server.should_exit = True
        await serving
