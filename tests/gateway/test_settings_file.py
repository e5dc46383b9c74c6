"""Settings from a file and from flags: the flags win, and what is wrong is named."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gateway import serve
from gateway.settings import RequestRule, Settings
from gateway.settings_file import SettingsUnreadable

FILE = """
development = true
[limits]
max_depth = 12
max_batch = 5
[subgraphs]
timeouts_s = {users = 2.5}
caller_key = "keys/caller.pem"
[[http.headers.requests]]
named = "x-tenant"
subgraphs = ["users"]
[http.cors]
origins = ["https://app.example"]
"""


def read(*flags: str, environ: dict[str, str] | None = None) -> Settings:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser, environ or {})
    return serve.settings_from(parser.parse_args(["--supergraph", "s.graphql", *flags]))


def test_nothing_said_is_the_defaults() -> None:
    assert read() == Settings()


def test_flags_win_over_the_file_and_the_environment_stands_for_flags(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(FILE)
    settings = read("--config", str(file), "--max-depth", "7", environ={"GATEWAY_ISSUER": "d2r"})
    assert (settings.development, settings.limits.max_depth, settings.limits.max_batch) == (True, 7, 5)
    assert settings.subgraphs.timeouts_s == {"users": 2.5}
    assert settings.subgraphs.caller_key == Path("keys/caller.pem")
    assert settings.http.headers.requests == (RequestRule(named="x-tenant", subgraphs=("users",)),)
    assert settings.http.cors.origins == ("https://app.example",)
    assert settings.tokens.issuer == "d2r"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_dept = 3", "max_dept"),
        ("[limits]\nmax_depth = 'deep'", "$.limits.max_depth"),
        ("[limits", "gateway.toml"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    with pytest.raises(SettingsUnreadable) as refused:
        read("--config", str(file))
    assert said in str(refused.value)
