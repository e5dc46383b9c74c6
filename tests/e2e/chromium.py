"""A page in a headless Chromium, driven over the DevTools protocol: real clicks and keys, and what it then says."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
         "disable-component-update", "disable-sync", "window-size=1360,820", "remote-debugging-port=0")  # fmt: skip


def chromium() -> str | None:
    """The program, where this machine has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


_KEYS = {"End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}


@asynccontextmanager
async def opened(program: str, profile: Path, url: str, more_flags: Sequence[str] = ()) -> AsyncIterator[Page]:
    flags = [f"--{flag}" for flag in (*FLAGS, *more_flags, f"user-data-dir={profile}")]
    quiet = asyncio.subprocess.DEVNULL
    browser = await asyncio.create_subprocess_exec(program, *flags, url, stdout=quiet, stderr=quiet)
    try:
        async with asyncio.timeout(30):
            address = await _page_address(profile, url)
        async with connect(address, max_size=None, compression=None) as socket:
            yield Page(socket)
    finally:
        browser.terminate()
        await browser.wait()


async def _page_address(profile: Path, url: str) -> str:
    """The browser writes down where its DevTools listen; they list the page once it is there."""
    file = profile / "DevToolsActivePort"
    async with aiohttp.ClientSession() as session:
        while True:
            await asyncio.sleep(0.05)
            if not file.exists() or not (lines := file.read_text().splitlines()):
                continue
            async with session.get(f"http://127.0.0.1:{lines[0]}/json/list") as answer:
                for target in await answer.json(content_type=None):
                    if target["url"].startswith(url):
                        return str(target["webSocketDebuggerUrl"])


class Page:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._events: list[dict[str, Any]] = []

    async def ask(self, method: str, **parameters: Any) -> Any:
        answer = await self._answer(method, parameters)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    async def _answer(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer: dict[str, Any] = json.loads(await self._socket.recv())
            if answer.get("id") == number:
                return answer
            if "method" in answer:
                self._events.append(answer)

    async def events(self, method: str) -> list[dict[str, Any]]:
        """What the browser told of this kind so far; its domain must be enabled."""
        await self.value("0")
        return [event["params"] for event in self._events if event["method"] == method]

    async def value(self, expression: str) -> Any:
        """What the expression comes to; waits while the page is only just being loaded."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        async with asyncio.timeout(30):
            while "Cannot find" in str((answer := await self._answer("Runtime.evaluate", asked)).get("error")):
                await asyncio.sleep(0.05)
        assert "error" not in answer, answer["error"]
        answer = answer["result"]
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def text(self, selector: str) -> str:
        return str(await self.value(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    async def shows(self, selector: str, part: str, patience_s: float = 10.0) -> str:
        """The element's whole text, once it holds `part`."""
        text = ""
        try:
            async with asyncio.timeout(patience_s):
                while part not in (text := await self.text(selector)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{selector} never showed {part!r} but {text!r}") from None
        return text

    async def click(self, selector: str, saying: str = "") -> None:
        """With the mouse, in the middle of the first such element that says so."""
        await self.shows("body", saying)
        all_of_them = f"[...document.querySelectorAll({json.dumps(selector)})]"
        box = f"{all_of_them}.find(e => e.textContent.includes({json.dumps(saying)})).getBoundingClientRect()"
        x, y = await self.value(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def press(self, selector: str, key: str) -> None:
        """A key, in the element that it gives the focus to."""
        await self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        for kind in ("keyDown", "keyUp"):
            await self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS.get(key, 0)
            )

    async def picture(self, selector: str) -> bytes:
        """The element once all that was asked before is drawn, as a PNG."""
        await self.value("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(0))))")
        found = f"document.querySelector({json.dumps(selector)})"
        box = f"({found}.scrollIntoView({{block: 'nearest'}}), {found}.getBoundingClientRect())"
        x, y, width, height = await self.value(f"(b => [b.x, b.y, b.width, b.height])({box})")
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png", clip=clip))["data"])

    async def write(self, selector: str, text: str) -> None:
        """By keyboard, in place of what the field held."""
        await self.value(f"(e => {{ e.focus(); e.select(); }})(document.querySelector({json.dumps(selector)}))")
        await self.ask("Input.insertText", text=text)
