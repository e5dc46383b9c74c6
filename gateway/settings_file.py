"""Settings out of a TOML file and what the command line says beside it; the command line wins.

In: a file whose tables are the fields of `Settings`, and a nested mapping of the same shape. Out: `Settings`. Raises
`SettingsUnreadable` with the place and what is wrong there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.errors import GatewayError
from gateway.settings import Settings


class SettingsUnreadable(GatewayError):
    """The file, or a value in it, is not what a setting can be."""


def settings_of(file: Path | None, given: Mapping[str, object]) -> Settings:
    kept: dict[str, object] = {}
    if file is not None:
        try:
            kept = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsUnreadable(f"{file}: {error}") from error
    try:
        return msgspec.convert(merged(kept, given), Settings, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise SettingsUnreadable(f"{file or 'settings'}: {error}") from error


def merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """`above` over `below`, table by table."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        result[name] = merged(under, value) if isinstance(under, dict) and isinstance(value, Mapping) else value
    return result


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"a {kind.__name__} cannot be made of {value!r}")
