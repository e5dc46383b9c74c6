"""Objects of a tenant: uploads in parts straight from devices, ranged reads, presigned reads.

In: a verified caller and a plain relative key. Out: bytes, presigned addresses, facts about objects. Every object lies
below `{tenant}/`, which comes from the caller only; a key that could leave it is refused. A part is signed together
with its length and SHA-256, so the store itself refuses other bytes.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, NewType

from aiobotocore.session import get_session
from botocore.config import Config
from botocore.exceptions import ClientError

from db.caller import Caller
from db.errors import BlobKeyRefused, BlobMissing, PartsDiffer

UploadId = NewType("UploadId", str)
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_MISSING = {"NoSuchKey", "NoSuchUpload", "404"}
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class BlobSettings:
    """Where the object store is. public_endpoint: its name for devices and browsers, where it differs from ours."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    bucket: str = "d2r"
    region: str = "us-east-1"
    public_endpoint: str | None = None


@dataclass(frozen=True)
class Part:
    """One promised part of an upload: its number from 1, its length, its SHA-256."""

    number: int
    size: int
    sha256: bytes


@dataclass(frozen=True)
class PresignedPut:
    """Where and how a device puts one part: `PUT url` with exactly these headers."""

    url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class BlobFacts:
    """What the store says of an object."""

    size: int
    content_type: str
    etag: str
    metadata: dict[str, str]


class Blobs:
    """A client of the store, to be entered once a process: `async with Blobs(settings) as blobs`."""

    def __init__(self, settings: BlobSettings) -> None:
        self._settings, self._bucket = settings, settings.bucket
        self._resources = AsyncExitStack()
        self._client: Any = None
        self._signer: Any = None

    async def __aenter__(self) -> Blobs:
        self._client = await self._enter_client(self._settings.endpoint)
        public = self._settings.public_endpoint
        self._signer = await self._enter_client(public) if public else self._client
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resources.aclose()

    async def _enter_client(self, endpoint: str) -> Any:
        settings = self._settings
        client = get_session().create_client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            region_name=settings.region,
            # Path style: a bucket's own host name does not resolve on a laptop. v4: older signatures skip headers.
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, max_pool_connections=50),
        )
        return await self._resources.enter_async_context(client)

    async def create_bucket(self) -> None:
        """Make the bucket if it is not there: at set-up."""
        try:
            await self._client.create_bucket(Bucket=self._bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    def _place(self, caller: Caller, key: str) -> dict[str, str]:
        """The bucket and the whole key of a tenant's object."""
        if not _PLAIN.fullmatch(key):
            raise BlobKeyRefused(key)
        return {"Bucket": self._bucket, "Key": f"{caller.tenant}/{key}"}

    async def put(self, caller: Caller, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Store a small object whole; the store checks its SHA-256."""
        await self._client.put_object(
            **self._place(caller, key), Body=body, ContentType=content_type, ChecksumAlgorithm="SHA256"
        )

    async def get(self, caller: Caller, key: str) -> bytes:
        """A small object, whole."""
        return b"".join([chunk async for chunk in self.open_range(caller, key)])

    async def open_range(
        self, caller: Caller, key: str, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream `length` bytes from `start`, or all that follow, in pieces of up to a MiB."""
        if length == 0:
            return
        asked = {} if start == 0 and length is None else {"Range": _range(start, length)}
        try:
            answer = await self._client.get_object(**self._place(caller, key), **asked)
        except ClientError as error:
            raise _told(error, key) from error
        async with answer["Body"] as body:
            while chunk := await body.read(_CHUNK_BYTES):
                yield chunk

    async def head(self, caller: Caller, key: str) -> BlobFacts:
        """An object's size, type and metadata."""
        try:
            answer = await self._client.head_object(**self._place(caller, key))
        except ClientError as error:
            raise _told(error, key) from error
        return BlobFacts(
            answer["ContentLength"], answer.get("ContentType", ""), answer["ETag"].strip('"'), answer["Metadata"]
        )

    async def delete(self, caller: Caller, key: str) -> None:
        """Remove an object; removing one that is not there is no error."""
        await self._client.delete_object(**self._place(caller, key))

    async def presign_get(self, caller: Caller, key: str, expires_s: int = 300) -> str:
        """An address that reads one object for a while, without credentials."""
        url: str = await self._signer.generate_presigned_url(
            "get_object", Params=self._place(caller, key), ExpiresIn=expires_s
        )
        return url

    async def begin_multipart(
        self, caller: Caller, key: str, content_type: str = "application/octet-stream"
    ) -> UploadId:
        """Open an upload in parts."""
        answer = await self._client.create_multipart_upload(
            **self._place(caller, key), ContentType=content_type, ChecksumAlgorithm="SHA256"
        )
        return UploadId(answer["UploadId"])

    async def presign_put_part(
        self, caller: Caller, key: str, upload: UploadId, part: Part, expires_s: int = 3600
    ) -> PresignedPut:
        """Where a device puts one part. The signature covers its length and checksum: other bytes are refused."""
        checksum = b64encode(part.sha256).decode()
        url: str = await self._signer.generate_presigned_url(
            "upload_part",
            Params={
                **self._place(caller, key),
                "UploadId": upload,
                "PartNumber": part.number,
                "ContentLength": part.size,
                "ChecksumSHA256": checksum,
            },
            ExpiresIn=expires_s,
        )
        return PresignedPut(url, {"content-length": str(part.size), "x-amz-checksum-sha256": checksum})

    async def complete_multipart(self, caller: Caller, key: str, upload: UploadId, parts: Sequence[Part]) -> BlobFacts:
        """Join the parts; refuses with `PartsDiffer` while one is missing or is not what was promised."""
        stored = await self._stored_parts(caller, key, upload)
        differing = tuple(part.number for part in parts if not _is_promised(part, stored.get(part.number)))
        unknown = tuple(sorted(stored.keys() - {part.number for part in parts}))
        if differing or unknown or not parts:
            raise PartsDiffer(key, differing + unknown)
        joined = [
            {
                "PartNumber": part.number,
                "ETag": stored[part.number]["ETag"],
                "ChecksumSHA256": b64encode(part.sha256).decode(),
            }
            for part in sorted(parts, key=lambda part: part.number)
        ]
        await self._client.complete_multipart_upload(
            **self._place(caller, key), UploadId=upload, MultipartUpload={"Parts": joined}
        )
        return await self.head(caller, key)

    async def stored_parts(self, caller: Caller, key: str, upload: UploadId) -> dict[int, int]:
        """Which parts have arrived, and their sizes: what a device that resumes need not send again."""
        stored = await self._stored_parts(caller, key, upload)
        return {number: part["Size"] for number, part in stored.items()}

    async def _stored_parts(self, caller: Caller, key: str, upload: UploadId) -> dict[int, dict[str, Any]]:
        pages = self._client.get_paginator("list_parts").paginate(**self._place(caller, key), UploadId=upload)
        try:
            return {part["PartNumber"]: part async for page in pages for part in page.get("Parts", ())}
        except ClientError as error:
            raise _told(error, key) from error

    async def abort(self, caller: Caller, key: str, upload: UploadId) -> None:
        """Drop an upload and its parts; one that is gone already is no error."""
        try:
            await self._client.abort_multipart_upload(**self._place(caller, key), UploadId=upload)
        except ClientError as error:
            if not isinstance(_told(error, key), BlobMissing):
                raise


def _range(start: int, length: int | None) -> str:
    return f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"


def _is_promised(part: Part, stored: dict[str, Any] | None) -> bool:
    """Whether the store holds the part at its size; and at its checksum, which it tells or checked when it came."""
    if stored is None or stored["Size"] != part.size:
        return False
    told = stored.get("ChecksumSHA256")
    return told is None or b64decode(told) == part.sha256


def _told(error: ClientError, key: str) -> Exception:
    """The store's refusal as ours."""
    return BlobMissing(key) if error.response["Error"]["Code"] in _MISSING else error
