"""Inspection and twin, opened in this process, with people of two workspaces signed in."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from db.blobs import Blobs
from subgraphs.catalogue import open_subgraphs
from subgraphs.serving.in_process import InProcessSubgraph
from tests.subgraphs.asking import Asker
from tests.subgraphs.conftest import PASSWORD, House
from tests.subgraphs.inspection.documents import BEGIN_CAD, BEGIN_SCAN, COMPLETE_CAD, COMPLETE_SCAN, CREATE_ASSET

SIGN_IN = "mutation($input: SignInInput!) { signIn(input: $input) { ... on SignedIn { token } } }"
PART_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Floor:
    """A shop floor: who asks what of which subgraph, and the deeds that tests need again and again."""

    house: House
    opened: dict[str, InProcessSubgraph]
    tokens: dict[str, str]

    def asker(self, subgraph: str, person: str = "quality_engineer") -> Asker:
        return Asker(self.opened[subgraph], self.house.gateway, self.tokens[person])

    async def mutate(self, document: str, input: dict[str, Any], person: str = "quality_engineer") -> dict[str, Any]:
        data = await self.asker("inspection", person).data_of(document, {"input": input})
        (answer,) = data.values()
        return answer

    async def asset(self, serial: str, person: str = "quality_engineer", **more: Any) -> str:
        given = {"kind": "PART", "name": "Housing", "serialNumber": serial, "idempotencyKey": f"asset-{serial}", **more}
        answer = await self.mutate(CREATE_ASSET, given, person)
        assert answer["__typename"] == "AssetCreated", answer
        return answer["asset"]["id"]

    async def begin_cad(self, body: bytes, key: str = "cad", **more: Any) -> dict[str, Any]:
        given = {
            "name": "Housing",
            "format": "STL",
            "unit": "MILLIMETRE",
            "file": promise("housing.stl", body),
            "idempotencyKey": key,
            **more,
        }
        return await self.mutate(BEGIN_CAD, given)

    async def cad(self, body: bytes, key: str = "cad", **more: Any) -> dict[str, Any]:
        """Uploaded and completed: the CAD revision and its job."""
        begun = await self.begin_cad(body, key, **more)
        assert begun["__typename"] == "CadUploadBegun", begun
        id = begun["cadRevision"]["id"]
        return await self.mutate(COMPLETE_CAD, {"cadRevisionId": id, "parts": await put(begun["upload"], body)})

    async def begin_scan(self, asset: str, cad: str, body: bytes, key: str = "scan", **more: Any) -> dict[str, Any]:
        given = {
            "assetId": asset,
            "cadRevisionId": cad,
            "format": "PLY",
            "unit": "MILLIMETRE",
            "file": promise("scan.ply", body),
            "tolerance": {"lowerMm": -0.2, "upperMm": 0.2},
            "idempotencyKey": key,
            **more,
        }
        return await self.mutate(BEGIN_SCAN, given)

    async def scan(self, asset: str, cad: str, body: bytes, key: str = "scan", **more: Any) -> dict[str, Any]:
        """Uploaded and completed: the scan and its job."""
        begun = await self.begin_scan(asset, cad, body, key, **more)
        assert begun["__typename"] == "ScanUploadBegun", begun
        id = begun["scan"]["id"]
        return await self.mutate(COMPLETE_SCAN, {"scanId": id, "parts": await put(begun["upload"], body)})


def promise(name: str, body: bytes) -> dict[str, Any]:
    parts = [body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES)]
    return {
        "fileName": name,
        "sizeBytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "partSizeBytes": PART_BYTES,
        "partSha256s": [hashlib.sha256(part).hexdigest() for part in parts],
    }


async def put(upload: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
    """Put every part to its address; what complete wants to know of them."""
    async with aiohttp.ClientSession() as session:
        for address in upload["parts"]:
            if address.get("arrived"):
                continue
            part = body[(address["number"] - 1) * PART_BYTES :][:PART_BYTES]
            headers = {header["name"]: header["value"] for header in address["headers"]}
            async with session.put(address["url"], data=part, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
    return [{"number": address["number"], "sha256": address["sha256"]} for address in upload["parts"]]


@pytest.fixture
async def floor(house: House) -> AsyncIterator[Floor]:
    async with open_subgraphs(house.settings, ["tenancy", "inspection", "twin"]) as opened:
        nobody = Asker(opened["tenancy"], house.gateway)
        tokens = {}
        for person in ("quality_engineer", "operator", "viewer", "rival"):
            slug = "rival" if person == "rival" else "acme"
            given = {"workspaceSlug": slug, "email": house.people[person].email, "password": PASSWORD}
            tokens[person] = (await nobody.data_of(SIGN_IN, {"input": given}))["signIn"]["token"]
        async with Blobs(house.settings.blobs) as blobs:
            await blobs.create_bucket()
        yield Floor(house, dict(opened), tokens)
