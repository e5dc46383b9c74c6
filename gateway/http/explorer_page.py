"""The explorer: a page for people who try the graph in a browser. Everything on it is served from here.

In: a folder of example documents (`*.graphql`, each with an optional `*.json` of variables beside it). Out: routes.
The first comment line of a document is its summary. Nothing is loaded from anywhere else, and the page's content
security policy says so. Documents are read at each request of the list, so that an edited one shows at a reload.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

PAGE = Path(__file__).parent / "explorer"
_POLICY = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'"


def explorer_routes(examples: Path | None) -> list[BaseRoute]:
    """`/` and `/explorer/*`; `examples` None shows an empty editor."""

    async def page(_: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"content-security-policy": _POLICY})

    async def documents(_: Request) -> Response:
        return JSONResponse(example_documents(examples) if examples else [])

    return [
        Route("/", page),
        Route("/explorer/examples.json", documents),
        Mount("/explorer", StaticFiles(directory=PAGE)),
    ]


def example_documents(folder: Path) -> list[dict[str, str]]:
    """Name, summary, document and variables of each example, by file name."""
    return [_example(path) for path in sorted(folder.glob("*.graphql"))]


def _example(path: Path) -> dict[str, str]:
    document = path.read_text()
    first = document.lstrip().splitlines()[0] if document.strip() else ""
    variables = path.with_suffix(".json")
    return {
        "name": path.stem.lstrip("0123456789-").replace("-", " "),
        "summary": first.lstrip("# ") if first.startswith("#") else "",
        "document": document,
        "variables": variables.read_text() if variables.exists() else "",
    }
