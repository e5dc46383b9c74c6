"""Struct types are made once for what is asked alike, are told apart by all that is said of them, and go again."""

from __future__ import annotations

import gc
from typing import Any
from weakref import ref

import msgspec
import pytest
from msgspec import NODEFAULT, UNSET, UnsetType

from gateway.compiled.struct_types import Entry, struct_type

_ENTRIES: list[Entry] = [("f0", str, NODEFAULT), ("f1", list[int] | None, None)]
_KEYS = {"f0": "name", "f1": "ages"}


def test_what_is_said_alike_is_one_type() -> None:
    made = struct_type("Person", _ENTRIES, _KEYS, kw_only=True)
    assert struct_type("Person", list(_ENTRIES), dict(_KEYS), kw_only=True) is made
    assert msgspec.json.decode(b'{"name": "Ada", "ages": [36]}', type=made) == made(f0="Ada", f1=[36])
    with pytest.raises(msgspec.ValidationError, match="name"):
        msgspec.json.decode(b"{}", type=made)


@pytest.mark.parametrize(
    ("name", "entries", "keys"),
    [
        ("Robot", _ENTRIES, _KEYS),
        ("Person", [("f0", int, NODEFAULT), _ENTRIES[1]], _KEYS),
        ("Person", [("f0", str | None, None), _ENTRIES[1]], _KEYS),
        ("Person", [("f0", str | UnsetType, UNSET), _ENTRIES[1]], _KEYS),
        ("Person", _ENTRIES[::-1], _KEYS),
        ("Person", _ENTRIES, {"f0": "name", "f1": "years"}),
        ("Person", _ENTRIES, {"f0": "ages", "f1": "name"}),
        ("Person", _ENTRIES, None),
    ],
)
def test_what_is_said_otherwise_is_another_type(name: str, entries: list[Entry], keys: dict[str, str] | None) -> None:
    made = struct_type("Person", _ENTRIES, _KEYS, kw_only=True)
    assert struct_type(name, entries, keys, kw_only=True) is not made


def test_a_tag_comes_first_and_tells_types_apart() -> None:
    entries: list[Entry] = [("id", Any, NODEFAULT)]
    person, robot = struct_type("R", entries, tag="Person"), struct_type("R", entries, tag="Robot")
    assert (
        msgspec.json.encode([person(1), robot(2)]) == b'[{"__typename":"Person","id":1},{"__typename":"Robot","id":2}]'
    )


def test_a_type_that_nothing_reads_any_more_goes() -> None:
    gone = ref(struct_type("GoneSoon", _ENTRIES, _KEYS, kw_only=True))
    gc.collect()
    assert gone() is None
