"""Where subgraphs come from: files, and subgraphs that are running.

In: `FILE`, `NAME=FILE` or `NAME=URL` from the command line. Out: `SubgraphSource`s. A running subgraph is asked for its
`_service { sdl }`. Refuses: a file that cannot be read, an address that does not answer with its schema.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import msgspec

from gateway.composition.problems import SourceUnreadable
from gateway.composition.read_subgraph import SubgraphSource

TIMEOUT_S = 10.0
MOST_OF_AN_ANSWER = 200
_QUESTION = msgspec.json.encode({"query": "{ _service { sdl } }"})


class _Service(msgspec.Struct):
    sdl: str


class _Data(msgspec.Struct):
    service: _Service = msgspec.field(name="_service")


class _Answer(msgspec.Struct):
    data: _Data


class _Error(msgspec.Struct):
    message: str


class _Errors(msgspec.Struct):
    errors: list[_Error]


def read_sources(
    given: Sequence[str], urls: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> tuple[SubgraphSource, ...]:
    """The subgraphs; `urls` says where those that come from files listen.

    Raises: SourceUnreadable.
    """
    places = [_named_place(text) for text in given]
    for name in urls.keys() - {name for name, _ in places}:
        raise SourceUnreadable(name, "an address is given for it, and no schema; write --url NAME=URL")
    running = {name: place for name, place in places if _is_address(place)}
    told = asyncio.run(_ask_all(running, timeout_s)) if running else {}
    return tuple(
        SubgraphSource(name, urls.get(name, place), told[name])
        if name in running
        else SubgraphSource(name, urls.get(name, ""), _text_of(name, place))
        for name, place in places
    )


def _named_place(text: str) -> tuple[str, str]:
    given = re.match(r"([^/\\=:?]+)=(.+)", text)
    return (given[1], given[2]) if given else (Path(text).stem, text)


def _is_address(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def _text_of(name: str, place: str) -> str:
    try:
        return Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SourceUnreadable(name, f"the file {place} cannot be read ({problem})") from problem


async def _ask_all(running: Mapping[str, str], timeout_s: float) -> dict[str, str]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(timeout_s)) as session:
        texts = await asyncio.gather(*(_asked(name, url, session) for name, url in running.items()))
        return dict(zip(running, texts, strict=True))


async def _asked(name: str, url: str, session: aiohttp.ClientSession) -> str:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        async with session.post(url, data=_QUESTION, headers=headers, allow_redirects=False) as response:
            body = await response.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as problem:
        raise SourceUnreadable(name, f"{url} does not answer ({problem or type(problem).__name__})") from problem
    try:
        return msgspec.json.decode(body, type=_Answer).data.service.sdl
    except msgspec.MsgspecError as problem:
        status = f"{response.status} {response.reason}".strip()
        reason = f"{url} does not tell its schema by `{{ _service {{ sdl }} }}` (status {status}): {_told(body)}"
        raise SourceUnreadable(name, reason.rstrip(".: ")) from problem


def _told(body: bytes) -> str:
    """What the subgraph says itself: the messages of its errors, or else how its answer begins."""
    try:
        return "; ".join(error.message for error in msgspec.json.decode(body, type=_Errors).errors)
    except msgspec.MsgspecError:
        text = " ".join(body.decode(errors="replace").split())
        return text if len(text) <= MOST_OF_AN_ANSWER else f"{text[:MOST_OF_AN_ANSWER]}..."
