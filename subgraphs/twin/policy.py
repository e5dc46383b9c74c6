"""The rules of twin without I/O: what content may be, and how it is hashed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import rfc8785

from db.caller import Caller
from subgraphs.serving.errors import BadInput, Forbidden
from subgraphs.serving.roles import Scope
from subgraphs.twin.jobs import RecordInspection
from subgraphs.twin.model import ContentHash, Element

MOST_ELEMENTS = 10_000
_PATH = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*){0,15}")
_REF = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def require_scope(caller: Caller, scope: Scope) -> None:
    if scope not in caller.scopes:
        raise Forbidden(scope)


def require_ref_name(name: str) -> None:
    if not _REF.fullmatch(name):
        raise BadInput("A ref is 1 to 63 of a-z, 0-9, dot, dash and underscore.", ("input", "ref"))


def require_text(text: str, field: str, longest: int) -> None:
    if not text.strip() or len(text) > longest or not all(c.isprintable() or c == "\n" for c in text):
        raise BadInput(f"{field} needs 1 to {longest} printable characters.", ("input", field))


def require_elements(elements: Sequence[Element]) -> None:
    """At least one element, each at a path of its own."""
    if not 1 <= len(elements) <= MOST_ELEMENTS:
        raise BadInput(f"A version has 1 to {MOST_ELEMENTS} elements.", ("input", "elements"))
    for element in elements:
        if len(element.path) > 300 or not _PATH.fullmatch(element.path):
            raise BadInput(f"{element.path[:80]!r} is no path such as scans/latest.", ("input", "elements"))
        if not _SHA256.fullmatch(element.sha256) or not _PATH.fullmatch(element.kind):
            raise BadInput(f"The element at {element.path} needs a kind and a SHA-256.", ("input", "elements"))
    if len({element.path for element in elements}) != len(elements):
        raise BadInput("Two elements have one path.", ("input", "elements"))


def canonical_content(elements: Sequence[Element]) -> tuple[str, ContentHash]:
    """The content as canonical JSON (RFC 8785), in order of path, and its SHA-256: equal content, equal hash."""
    listed = [
        {"path": element.path, "kind": element.kind, "sha256": element.sha256}
        for element in sorted(elements, key=lambda element: element.path)
    ]
    canonical = rfc8785.dumps({"v": 1, "elements": listed})
    return canonical.decode(), ContentHash(hashlib.sha256(canonical).hexdigest())


def elements_after(inspected: RecordInspection) -> list[Element]:
    """What an inspection says of its asset's twin: the nominal shape, the scan as it lies on it, the verdict."""
    pose = hashlib.sha256(rfc8785.dumps(list(inspected.transform))).hexdigest()
    return [
        Element("nominal/cad", "cad", inspected.cad_sha256),
        Element("measured/scan", "scan", inspected.scan_sha256),
        Element("measured/pose", "transform", pose),
        Element("measured/deviations", "deviations", inspected.deviations_sha256),
        Element("quality/decision", "decision", inspected.record_hash),
    ]
