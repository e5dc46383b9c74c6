"""The stack keeps its promises: it comes back after any kill, never outlives its parent, refuses a second one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from infra.local.errors import FolderInUse, SettingMissing
from infra.local.folders import socket_folder
from infra.local.stack import CHECKOUT, ENDPOINTS_FILE, Endpoints, Stack, discard
from tests.embedded import run_apart

CHILDREN = ("postgres", "valkey", "object-store")
UNREACHABLE = {"S3_ENDPOINT": "http://127.0.0.1:9", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b", "S3_BUCKET": "c"}


def eventually(is_so: Callable[[], bool], patience_s: float = 20) -> None:
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def pid_of(data: Path, child: str) -> int:
    """0 while it is not running."""
    try:
        return int((data / "run" / f"{child}.pid").read_text())
    except FileNotFoundError:
        return 0


def started_in_a_process(data: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "infra.local", "--careless", "--data", data, *arguments]
    log = (data.parent / "stack.log").open("ab")
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log, env=without_addresses())
    eventually(lambda: (data / ENDPOINTS_FILE).exists() or process.poll() is not None)
    return process


def without_addresses() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT")}


def rows(url: str) -> int:
    async def count() -> int:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("create table if not exists visit (at timestamptz default now())")
            await connection.execute("insert into visit default values")
            return int(await connection.fetchval("select count(*) from visit"))
        finally:
            await connection.close()

    return run_apart(count())


def answers(endpoints: Endpoints) -> bool:
    try:
        with redis.Redis.from_url(endpoints.redis_url) as client:
            client.ping()
        rows(endpoints.database_url)
    except (OSError, asyncpg.PostgresError, redis.RedisError):
        return False
    return True


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    discard(folder)


def test_a_killed_parent_takes_all_along_and_the_next_start_has_the_data(data: Path) -> None:
    parent = started_in_a_process(data)
    endpoints = Endpoints.read(data)
    assert rows(endpoints.database_url) == 1
    pids = [pid_of(data, child) for child in CHILDREN]

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    started = time.monotonic()
    with Stack(data, without_addresses(), careless=True) as again:
        assert not any(map(is_running, pids)), "the old ones must be gone before new ones start"
        assert rows(again.database_url) == 2
        assert again == endpoints, "addresses and secrets stay"
    assert time.monotonic() - started < 20
    assert not socket_folder_exists(data)


def socket_folder_exists(data: Path) -> bool:
    folder = socket_folder(data)
    left = any(folder.iterdir())
    folder.rmdir() if not left else None
    return left


def test_each_killed_child_comes_back_at_the_same_address(data: Path) -> None:
    with Stack(data, without_addresses(), careless=True) as endpoints:
        with redis.Redis.from_url(endpoints.redis_url) as client:
            client.set("kept", "yes")
        assert rows(endpoints.database_url) == 1
        before = {child: pid_of(data, child) for child in CHILDREN}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: all(pid_of(data, child) not in (0, before[child]) for child in CHILDREN))
        eventually(lambda: answers(endpoints))
        with redis.Redis.from_url(endpoints.redis_url) as client:
            assert client.get("kept") == b"yes"
        assert rows(endpoints.database_url) > 1


def test_a_second_stack_on_one_folder_is_refused_by_name_of_the_first(data: Path) -> None:
    with Stack(data, {**without_addresses(), **UNREACHABLE, "DATABASE_URL": "postgresql://nowhere/x"}):
        with pytest.raises(FolderInUse, match=f"process {os.getpid()}"), Stack(data):
            pass
        second = subprocess.run(
            [sys.executable, "-m", "infra.local", "--data", data], cwd=CHECKOUT, capture_output=True, text=True
        )
        assert second.returncode == 1
        assert second.stderr.startswith("The data folder")


def test_given_addresses_are_used_and_nothing_is_started_for_them(data: Path) -> None:
    given = {"DATABASE_URL": "postgresql://someone@db.example/x", "REDIS_URL": "redis://cache.example", **UNREACHABLE}
    with Stack(data, given) as endpoints:
        assert {**endpoints.environment(), "D2R_DATA": ""} == {**given, "D2R_DATA": ""}
        assert list((data / "run").iterdir()) == []


def test_an_object_store_without_its_keys_is_refused(data: Path) -> None:
    given = {"DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x", "S3_ENDPOINT": "http://x"}
    with pytest.raises(SettingMissing, match="S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET"), Stack(data, given):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(data: Path, number: signal.Signals) -> None:
    process = started_in_a_process(data)
    pids = [pid_of(data, child) for child in CHILDREN]
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not any(map(is_running, pids))
    assert "database system is shut down" in (data / "logs" / "postgres.log").read_text()


def test_a_program_that_cannot_start_says_why_and_nothing_stays_behind(data: Path) -> None:
    with Stack(data, without_addresses(), careless=True):
        pass
    (data / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(Exception, match="postgres did not start: it ended with status"):
        Stack(data, without_addresses(), careless=True).__enter__()
    assert list((data / "run").iterdir()) == []
