"""A multipart request with files (graphql-multipart-request-spec) -> the operation, with files among its variables.

The parts `operations` and `map` come first; each file goes to the places in the variables that `map` names. Files are
spooled to disk as they come in, within limits, and streamed on to the subgraph that takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.client.upload import Upload
from gateway.http.reading import BadRequest
from gateway.pipeline import OperationRequest
from gateway.settings import UploadSettings

_map = msgspec.json.Decoder(dict[str, list[str]])
_operation = msgspec.json.Decoder(OperationRequest)


async def from_multipart(request: Request, settings: UploadSettings, max_fields_bytes: int) -> OperationRequest:
    if settings.max_files == 0:
        raise BadRequest("Files are not taken here.", 415)
    limit = settings.max_files * settings.max_file_bytes + 2 * max_fields_bytes
    if int(request.headers.get("content-length") or 0) > limit:
        raise BadRequest(f"The request has more than {limit} bytes.", 413)
    try:
        form = await request.form(max_files=settings.max_files, max_fields=2, max_part_size=max_fields_bytes)
    except HTTPException as error:
        # What Starlette makes of a form that is malformed or passes its limits.
        raise BadRequest(f"The multipart request cannot be read: {error.detail}") from error
    try:
        return _operation_in(form, settings)
    except BaseException:
        await form.close()
        raise


def _operation_in(form: FormData, settings: UploadSettings) -> OperationRequest:
    operations, mapped = form.get("operations"), form.get("map")
    if not isinstance(operations, str) or not isinstance(mapped, str):
        raise BadRequest("A multipart request has the parts `operations` and `map`, then the files.")
    try:
        asked, places = _operation.decode(operations), _map.decode(mapped)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"`operations` or `map` cannot be read: {error}") from error
    variables: dict[str, object] = dict(asked.variables or {})
    for key, paths in places.items():
        upload = _file(form, key, settings)
        for path in paths:
            _put(variables, path, upload)
    return msgspec.structs.replace(asked, variables=variables)


def _file(form: FormData, key: str, settings: UploadSettings) -> Upload:
    part = form.get(key)
    if not isinstance(part, UploadFile):
        raise BadRequest(f"`map` names the file {key!r}, which did not come.")
    if (part.size or 0) > settings.max_file_bytes:
        raise BadRequest(f"A file has more than {settings.max_file_bytes} bytes.", 413)
    return Upload(part.file, part.filename or key, part.content_type or "application/octet-stream")


def _put(variables: dict[str, object], path: str, upload: Upload) -> None:
    """Put the file at a path such as `variables.input.pages.0`, where a null stands for it."""
    first, *steps = path.split(".")
    place: object = variables
    if first != "variables" or not steps:
        raise BadRequest(f"`map` leads to {path!r}, which is no place in the variables.")
    for step in steps[:-1]:
        place = _at(place, step, path)
    if _at(place, steps[-1], path) is not None:
        raise BadRequest(f"At {path!r} the variables need a null that stands for the file.")
    if isinstance(place, list):
        place[int(steps[-1])] = upload
    else:
        cast("dict[str, object]", place)[steps[-1]] = upload


def _at(place: object, step: str, path: str) -> object:
    if isinstance(place, Mapping) and step in place:
        return place[step]
    if isinstance(place, list) and step.isdigit() and int(step) < len(place):
        return place[int(step)]
    raise BadRequest(f"`map` leads to {path!r}, which the variables do not have.")
