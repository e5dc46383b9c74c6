"""Objects of a tenant in the real store."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from db.blobs import Blobs, BlobSettings, Part, PresignedPut
from db.caller import Caller
from db.errors import BlobKeyRefused, BlobMissing, PartsDiffer
from infra.local.stack import Endpoints

FIRST, LAST = bytes(range(256)) * (5 << 12), b"the end"
PARTS = [Part(number, len(body), hashlib.sha256(body).digest()) for number, body in enumerate((FIRST, LAST), start=1)]


@pytest.fixture
async def blobs(endpoints: Endpoints) -> AsyncIterator[Blobs]:
    settings = BlobSettings(endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key, "d2r-test")
    async with Blobs(settings) as blobs:
        await blobs.create_bucket()
        yield blobs


async def send(put: PresignedPut, body: bytes, **changed: str) -> int:
    async with aiohttp.ClientSession() as http, http.put(put.url, data=body, headers=put.headers | changed) as answer:
        return answer.status


async def test_what_was_put_is_read_whole_and_in_ranges(blobs: Blobs, caller: Caller) -> None:
    await blobs.put(caller, "a/b.txt", b"hello")
    assert await blobs.get(caller, "a/b.txt") == b"hello"
    assert [piece async for piece in blobs.open_range(caller, "a/b.txt", 1, 3)] == [b"ell"]
    assert [piece async for piece in blobs.open_range(caller, "a/b.txt", 2)] == [b"llo"]
    assert (await blobs.head(caller, "a/b.txt")).size == 5


async def test_another_tenant_finds_nothing_under_the_same_key(blobs: Blobs, caller: Caller, stranger: Caller) -> None:
    await blobs.put(caller, "secret", b"hello")
    with pytest.raises(BlobMissing):
        await blobs.get(stranger, "secret")
    with pytest.raises(BlobMissing):
        await blobs.head(stranger, "secret")


@pytest.mark.parametrize("key", ["", "/a", "../other/secret", "a/../../b", "a//b", "a/./b", "a\n", "a b", "é"])
async def test_a_key_that_could_leave_the_prefix_is_refused(blobs: Blobs, caller: Caller, key: str) -> None:
    with pytest.raises(BlobKeyRefused):
        await blobs.put(caller, key, b"")


async def test_parts_go_straight_to_the_store_and_are_joined(blobs: Blobs, caller: Caller) -> None:
    upload = await blobs.begin_multipart(caller, "scan")
    for part, body in zip(PARTS, (FIRST, LAST), strict=True):
        assert await send(await blobs.presign_put_part(caller, "scan", upload, part), body) == 200
    assert await blobs.stored_parts(caller, "scan", upload) == {1: len(FIRST), 2: len(LAST)}
    assert (await blobs.complete_multipart(caller, "scan", upload, PARTS)).size == len(FIRST) + len(LAST)
    assert await blobs.get(caller, "scan") == FIRST + LAST


async def test_the_store_refuses_other_bytes_than_were_promised(blobs: Blobs, caller: Caller) -> None:
    upload = await blobs.begin_multipart(caller, "scan")
    put = await blobs.presign_put_part(caller, "scan", upload, PARTS[1])
    other = b"the enD"
    own_checksum = base64.b64encode(hashlib.sha256(other).digest()).decode()
    assert await send(put, other) == 400
    assert await send(put, other, **{"x-amz-checksum-sha256": own_checksum}) == 403
    assert await send(PresignedPut(put.url.replace("partNumber=2", "partNumber=3"), put.headers), LAST) == 403
    assert await blobs.stored_parts(caller, "scan", upload) == {}


async def test_an_upload_is_not_joined_while_a_part_is_missing(blobs: Blobs, caller: Caller) -> None:
    upload = await blobs.begin_multipart(caller, "scan")
    await send(await blobs.presign_put_part(caller, "scan", upload, PARTS[1]), LAST)
    with pytest.raises(PartsDiffer) as refused:
        await blobs.complete_multipart(caller, "scan", upload, PARTS)
    assert refused.value.parts == (1,)


async def test_an_expired_address_is_refused(blobs: Blobs, caller: Caller) -> None:
    await blobs.put(caller, "a", b"hello")
    fresh, stale = await blobs.presign_get(caller, "a"), await blobs.presign_get(caller, "a", expires_s=1)
    async with aiohttp.ClientSession() as http:
        async with http.get(fresh) as answer:
            assert (answer.status, await answer.read()) == (200, b"hello")
        await asyncio.sleep(2)
        async with http.get(stale) as answer:
            assert answer.status == 403


async def test_an_upload_is_dropped_once_or_twice(blobs: Blobs, caller: Caller) -> None:
    upload = await blobs.begin_multipart(caller, "scan")
    await blobs.abort(caller, "scan", upload)
    await blobs.abort(caller, "scan", upload)
    with pytest.raises(BlobMissing):
        await blobs.stored_parts(caller, "scan", upload)
