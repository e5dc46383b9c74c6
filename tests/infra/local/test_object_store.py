"""The object store speaks S3 to those who hold its keys, and nothing to anybody else on the machine."""

import json
import urllib.error
import urllib.request

import pytest
from aiobotocore.session import get_session

from infra.local.stack import Endpoints

pytestmark = pytest.mark.stack


@pytest.fixture
async def stored(endpoints: Endpoints) -> str:
    """The key of an object that was put with the right keys and read back in part."""
    async with get_session().create_client(
        "s3",
        endpoint_url=endpoints.s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id=endpoints.s3_access_key,
        aws_secret_access_key=endpoints.s3_secret_key,
    ) as client:
        await client.put_object(Bucket=endpoints.s3_bucket, Key="a/secret", Body=b"secret", ChecksumAlgorithm="SHA256")
        answer = await client.get_object(Bucket=endpoints.s3_bucket, Key="a/secret", Range="bytes=1-3")
        assert await answer["Body"].read() == b"ecr"
    return "a/secret"


@pytest.mark.parametrize("door", ["filer.port", "volume.port", "s3.port"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_no_door_opens_without_a_key(endpoints: Endpoints, stored: str, door: str, method: str) -> None:
    port = json.loads((endpoints.data / "object-store.ports.json").read_text())[door]
    path = {
        "filer.port": f"buckets/{endpoints.s3_bucket}/{stored}",
        "volume.port": "1,01637037d6",
        "s3.port": f"{endpoints.s3_bucket}/{stored}",
    }[door]
    body = b"forged" if method == "PUT" else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=body, method=method)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=5)
    assert refusal.value.code in (401, 403)
