"""`python -m gateway api-key`: keys that are shown once, kept as hashes, and hold at a running gateway."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.http.api_key_verifiers import HashedKeys
from gateway.http.identity import Identity
from gateway.settings import Settings
from gateway.traffic_settings import ApiKeySettings
from tests.gateway.http.keys import ANSWERED, ASKED, gateway

ACME = ("--prefix", "acme", "--subject", "acme-robot", "--scope", "scan:read", "--claim", "tenant=acme")


def created(capsys: pytest.CaptureFixture[str], file: Path, *more: str) -> str:
    assert main(["api-key", "create", "--file", str(file), *(more or ACME)]) == 0
    return capsys.readouterr().out.strip()


async def test_a_new_key_is_shown_once_and_kept_as_a_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    key = created(capsys, file, *ACME, "--lasts", "90d")
    prefix, secret = key.split(".")
    assert (prefix, len(secret)) == ("acme", 43)
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    identity = await HashedKeys(file).identity_of(key)
    assert identity is not None
    assert identity.claims == {"tenant": "acme", "scopes": ["scan:read"]}
    assert 89.9 * 86_400 < identity.expires_at - datetime.now(UTC).timestamp() < 90.1 * 86_400
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


async def test_two_keys_of_one_prefix_hold_until_one_is_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys.json"
    old, new = created(capsys, file), created(capsys, file)
    assert old != new
    assert [await HashedKeys(file).identity_of(each) is not None for each in (old, new)] == [True, True]
    revoke = ["api-key", "revoke", "--file", str(file), "--prefix", "acme"]
    assert main(revoke) == 1
    assert "--sha256" in capsys.readouterr().err
    assert main(["api-key", "list", "--file", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in lines] == [["acme", "acme-robot", "scan:read", "never", "ends"]] * 2
    assert main([*revoke, "--sha256", lines[0].split()[0]]) == 0
    keys = HashedKeys(file)
    assert await keys.identity_of(old) is None
    assert isinstance(await keys.identity_of(new), Identity)
    assert main([*revoke, "--sha256", lines[0].split()[0]]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("--prefix", "a.b", "--subject", "x"),
        ("--prefix", "", "--subject", "x"),
        ("--prefix", "a", "--subject", "x", "--lasts", "0d"),
        ("--prefix", "a", "--subject", "x", "--claim", "tenant"),
        ("--prefix", "a", "--subject", "x", "--claim", "scopes=all"),
    ],
)
def test_what_makes_no_key_is_refused(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        main(["api-key", "create", "--file", str(tmp_path / "keys"), *wrong])
    assert not (tmp_path / "keys").exists()


def test_a_file_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([{"prefix": "acme"}]))
    assert main(["api-key", "create", "--file", str(file), *ACME]) == 1
    assert json.loads(file.read_text()) == [{"prefix": "acme"}]
    assert "cannot be read" in capsys.readouterr().err


async def test_a_running_gateway_takes_a_new_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    key = created(capsys, file)
    async with gateway(tmp_path, Settings(api_keys=ApiKeySettings(file=file))) as session:
        async with session.post("/graphql", json=ASKED, headers={"X-API-Key": key}) as answer:
            assert (answer.status, await answer.json()) == (200, ANSWERED)
        async with session.post("/graphql", json=ASKED, headers={"X-API-Key": key[:-1]}) as answer:
            assert answer.status == 401
