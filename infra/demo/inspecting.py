"""One inspection through the graph: a part's CAD and a scan in, what was measured and decided out.

Everything goes by the public API, as a field device and a quality engineer would: begin, put the parts, complete, watch
the job, read the result. A connection that ends (the gateway was restarted) is taken up again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from infra.demo import operations
from infra.demo.graph_client import GraphClient, GraphFailed, StreamEnded
from infra.demo.upload import promise, put_parts

CAD_FORMATS = {
    ".stl": "STL",
    ".ply": "PLY",
    ".obj": "OBJ",
    ".gltf": "GLTF",
    ".glb": "GLB",
    ".step": "STEP",
    ".stp": "STEP",
}
SCAN_FORMATS = {
    ".ply": "PLY", ".pcd": "PCD", ".las": "LAS", ".laz": "LAZ", ".e57": "E57",
    ".xyz": "XYZ", ".txt": "XYZ", ".asc": "XYZ", ".pts": "XYZ", ".csv": "CSV",
}  # fmt: skip
_TAKE_UP_AGAIN = 60

Tell = Callable[[str, float, float, str], None]
"""name, done, total, stage"""


class Declined(Exception):
    """The graph answered a mutation with a problem, or a file cannot be sent at all."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(f"{message} [{code}]" if code else message)
        self.code = code


class Quarantined(Exception):
    """A file was taken but cannot be used: what is wrong, and what to do."""

    def __init__(self, noun: str, fault: dict[str, Any]) -> None:
        super().__init__(f"{noun} is quarantined: {fault['message']}\n{fault['remedy']} [{fault['code']}]")
        self.fault = fault


@dataclass(frozen=True)
class ScanOrder:
    """A scan to be measured. `unit` None: read from the file. Tolerance in millimetres, either side of the surface.

    `alignment` is the graph's `AlignmentInput`, None for a best fit; `pose_hint` sixteen numbers, row by row.
    """

    serial: str
    path: Path
    tolerance_mm: float
    unit: str | None = None
    alignment: dict[str, object] | None = None
    pose_hint: list[float] | None = None


def format_by_name(path: Path, formats: dict[str, str], noun: str) -> str:
    """The graph's name of the file's format. Raises Declined for one that is not read."""
    if path.name.lower().endswith(".copc.laz"):
        return "COPC"
    try:
        return formats[path.suffix.lower()]
    except KeyError:
        known = ", ".join(formats)
        raise Declined(f"{path.name} is no {noun} format that is read here; these are: {known}.") from None


class Inspector:
    """Inspects as the person whom `client` is signed in as."""

    def __init__(self, client: GraphClient, tell: Tell, run: str | None = None) -> None:
        self._client, self._tell = client, tell
        # One run is one set of idempotency keys: what is repeated within it happens once.
        self._run = run or secrets.token_hex(6)

    async def asset(self, serial: str, name: str) -> str:
        """The id of the part with this serial number, made if it is not there yet."""
        given = {"kind": "PART", "name": name, "serialNumber": serial, "idempotencyKey": f"part {serial}"}
        answer = (await self._client.ask(operations.CREATE_ASSET, {"input": given}))["createAsset"]
        if answer["__typename"] == "SerialNumberTaken":
            found = await self._client.ask(operations.ASSET_BY_SERIAL, {"serial": serial})
            return str(found["assets"]["nodes"][0]["id"])
        return str(_accepted(answer)["asset"]["id"])

    async def cad(self, path: Path, unit: str | None, accept_flaws: bool) -> tuple[str, dict[str, Any]]:
        """Upload and import a part's CAD: its id and what was found. Raises Quarantined."""
        promised = await asyncio.to_thread(promise, path)
        given = {
            "name": path.stem,
            "format": format_by_name(path, CAD_FORMATS, "CAD"),
            "file": promised.as_input(),
            "unit": unit,
            "acceptFlaws": accept_flaws,
            "idempotencyKey": f"{self._run} cad {promised.sha256}",
        }
        begun = _accepted((await self._client.ask(operations.BEGIN_CAD, {"input": given}))["beginCadUpload"])
        revision = begun["cadRevision"]["id"]
        parts = await self._put(path.name, path, begun)
        done = {"cadRevisionId": revision, "parts": parts}
        completed = _accepted((await self._client.ask(operations.COMPLETE_CAD, {"input": done}))["completeCadUpload"])
        await self._watch(path.name, completed["job"]["id"])
        facts = (await self._client.ask(operations.CAD_REVISION, {"id": revision}))["cadRevision"]
        if facts["problem"]:
            raise Quarantined(path.name, facts["problem"])
        return revision, facts

    async def scan(self, order: ScanOrder, asset: str, cad: str) -> tuple[str, dict[str, Any]]:
        """Upload and inspect one scan: its id and the scan as the graph shows it; a quarantined one has a problem."""
        promised = await asyncio.to_thread(promise, order.path)
        given = {
            "assetId": asset,
            "cadRevisionId": cad,
            "format": format_by_name(order.path, SCAN_FORMATS, "scan"),
            "file": promised.as_input(),
            "unit": order.unit,
            "tolerance": {"lowerMm": -order.tolerance_mm, "upperMm": order.tolerance_mm},
            "alignment": order.alignment,
            "poseHint": order.pose_hint,
            "idempotencyKey": f"{self._run} scan {order.serial} {promised.sha256} {order.tolerance_mm}",
        }
        begun = _accepted((await self._client.ask(operations.BEGIN_SCAN, {"input": given}))["beginScanUpload"])
        scan = begun["scan"]["id"]
        parts = await self._put(order.serial, order.path, begun)
        done = {"scanId": scan, "parts": parts}
        completed = _accepted((await self._client.ask(operations.COMPLETE_SCAN, {"input": done}))["completeScanUpload"])
        await self._watch(order.serial, completed["job"]["id"])
        return scan, (await self._client.ask(operations.SCAN, {"id": scan}))["scan"]

    async def compared(self, first: str, second: str, given: dict[str, float]) -> dict[str, Any]:
        """What changed from one processed scan of an asset to another. `given`: fields of `CompareScansInput`.

        Raises Declined for scans that cannot be compared, Quarantined for a comparison that ended without an answer.
        """
        asked = {
            "firstScanId": first,
            "secondScanId": second,
            "idempotencyKey": f"{self._run} changes {first} {second}",
            **given,
        }
        begun = _accepted((await self._client.ask(operations.COMPARE_SCANS, {"input": asked}))["compareScans"])
        comparison = begun["comparison"]
        await self._watch("what changed", comparison["job"]["id"])
        found = (await self._client.ask(operations.SCAN_COMPARISON, {"id": comparison["id"]}))["scanComparison"]
        if found["problem"]:
            raise Quarantined("the comparison", found["problem"])
        return dict(found)

    async def fetch(self, url: str, to: Path) -> Path:
        """A picture or report, by its presigned address."""
        async with self._client.session.get(url) as response:
            if response.status != 200:
                raise Declined(f"{to.name} could not be fetched (HTTP {response.status}).")
            await asyncio.to_thread(to.write_bytes, await response.read())
        return to

    async def _put(self, name: str, path: Path, begun: dict[str, Any]) -> list[dict[str, Any]]:
        def uploaded(done: int, total: int) -> None:
            self._tell(name, done, total, "uploading")

        return await put_parts(self._client.session, path, begun["upload"]["parts"], uploaded)

    async def _watch(self, name: str, job: str) -> None:
        """Follow the job until it is over."""
        for _ in range(_TAKE_UP_AGAIN):
            try:
                async for event in self._client.subscribe(operations.JOB_PROGRESS, {"jobId": job}):
                    seen = event["jobProgress"]["job"]
                    progress = seen["progress"]
                    over = seen["status"] in ("SUCCEEDED", "FAILED")
                    done, total = float(progress["done"]), float(progress["total"])
                    stage = seen["status"].lower() if over else progress["stage"] or "waiting"
                    self._tell(name, max(total, 1.0) if over else done, total, stage)
                    if over:
                        return
            except (StreamEnded, GraphFailed, aiohttp.ClientError, TimeoutError):
                self._tell(name, 0, 1, "connecting again")
            await asyncio.sleep(1.0)
        raise Declined(f"The job of {name} could not be followed to its end.")


async def sign_in(client: GraphClient, workspace: str, email: str, password: str) -> None:
    """Sign the client in. Raises Declined."""
    given = {"workspaceSlug": workspace, "email": email, "password": password}
    answer = (await client.ask(operations.SIGN_IN, {"input": given}))["signIn"]
    client.signed_in(_accepted(answer)["token"])


def _accepted(answer: dict[str, Any]) -> dict[str, Any]:
    if "code" in answer:
        raise Declined(answer["message"], answer["code"])
    return answer
