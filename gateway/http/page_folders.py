"""Pages beside the graph: folders of files for browsers, each at `/NAME/`, under a policy that keeps all else out.

In: name -> folder, and the origins that a page's scripts may fetch data from (an object store behind signed links).
Out: routes. A page's scripts, styles and pictures come from this host only, inline ones do not run, and no other site
can frame it. Refuses an origin that a policy cannot hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gateway.errors import GatewayError
from gateway.settings import PageFolder

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_NAME = re.compile(r"[a-z][a-z0-9-]*")


class PageRefused(GatewayError):
    """A page cannot be served as it is set."""


def page_routes(pages: Mapping[str, PageFolder]) -> list[BaseRoute]:
    """`/NAME/*` for each. Raises PageRefused."""
    for name, page in pages.items():
        if not _NAME.fullmatch(name):
            raise PageRefused(f"A page cannot be named {name!r}: lower-case letters, digits and hyphens.")
        if not (page.folder / "index.html").is_file():
            raise PageRefused(f"The page {name!r} has no index.html in {page.folder}.")
    return [Mount(f"/{name}", _Guarded(page)) for name, page in pages.items()]


def policy_of(data_from: Sequence[str]) -> str:
    """The content security policy of a page that fetches from its own host and these origins. Raises PageRefused."""
    for origin in data_from:
        if not _ORIGIN.fullmatch(origin):
            raise PageRefused(f"{origin!r} is no origin; write for example https://store.example:8333.")
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            " ".join(["connect-src 'self'", *data_from]),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class _Guarded(StaticFiles):
    def __init__(self, page: PageFolder) -> None:
        super().__init__(directory=page.folder, html=True)
        self._headers = {
            "content-security-policy": policy_of(page.data_from),
            # Signed links are secrets of their bearer, and the page's own address names what is looked at.
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cross-origin-opener-policy": "same-origin",
            "cache-control": "no-cache",
        }

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(self._headers)
        return response
