"""The tree's arithmetic, against the words of RFC 6962 written down plainly, and against public vectors."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from db.checkpoints import Checkpoint, open_checkpoint, sign_checkpoint, verifier_key
from db.errors import CheckpointRefused, MerkleError
from db.merkle import (
    EMPTY_ROOT,
    Range,
    TilePlace,
    append_leaves,
    consistency_ranges,
    growing_tiles,
    hash_of_range,
    hashes_in,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
    tiles_of,
)

SHARED = Path(os.environ.get("D2R_SHARED", Path(__file__).parents[3] / "shared")) / "vectors"
LEAVES = [leaf_hash(str(number).encode()) for number in range(70_001)]
SIZES = [1, 2, 3, 5, 8, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 70_000]

# RFC 6962's own tree: the roots over its first 1 to 8 leaves, as certificate-transparency publishes them.
RFC_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
RFC_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def plain_inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*plain_inclusion(index, leaves[:split]), plain_root(leaves[split:])]
    return [*plain_inclusion(index - split, leaves[split:]), plain_root(leaves[:split])]


def plain_consistency(older: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2, word for word."""
    if older == len(leaves):
        return [] if known else [plain_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if older <= split:
        return [*plain_consistency(older, leaves[:split], known), plain_root(leaves[split:])]
    return [*plain_consistency(older - split, leaves[split:], False), plain_root(leaves[:split])]


def tiles_in_batches(size: int, batches: int) -> dict[TilePlace, bytes]:
    """The tiles of a tree that grew in several appends, each given only the tiles that it may ask for."""
    tiles: dict[TilePlace, bytes] = {}
    start = 0
    for number in range(1, batches + 1):
        end = size * number // batches
        growing = {place: tiles[place] for place in growing_tiles(start)}
        tiles |= append_leaves(growing, start, LEAVES[start:end])
        start = end
    return tiles


def test_roots_are_those_that_certificate_transparency_publishes() -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in RFC_LEAVES]
    assert [root_of(leaves[:size]).hex() for size in range(1, 9)] == RFC_ROOTS


@pytest.mark.parametrize("size", [0, *SIZES[:9]])
def test_the_root_is_that_of_the_plain_recursion(size: int) -> None:
    assert root_of(LEAVES[:size]) == plain_root(LEAVES[:size])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batches", [1, 7])
def test_tiles_give_the_root_however_the_tree_grew(size: int, batches: int) -> None:
    tiles = tiles_in_batches(size, batches)
    assert hash_of_range(tiles, Range(0, size)) == root_of(LEAVES[:size])
    rows = [tile for place, tile in sorted(tiles.items()) if place.level == 0]
    assert hashes_in(b"".join(rows)) == LEAVES[:size]


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_proofs_need_only_the_tiles_they_name(size: int) -> None:
    tiles = tiles_in_batches(size, 3)
    root = root_of(LEAVES[:size])
    for index in {0, size // 2, size // 3, size - 1}:
        ranges = inclusion_ranges(index, size)
        needed = {place: tiles[place] for place in tiles_of(ranges)}
        proof = [hash_of_range(needed, leaves) for leaves in ranges]
        assert is_included(LEAVES[index], index, size, proof, root)
        assert not is_included(LEAVES[index + 1], index, size, proof, root)


def test_proofs_are_those_of_the_plain_recursion() -> None:
    for size in range(1, 40):
        tiles = tiles_in_batches(size, 2)
        for index in range(size):
            proof = [hash_of_range(tiles, leaves) for leaves in inclusion_ranges(index, size)]
            assert proof == plain_inclusion(index, LEAVES[:size])
        for older in range(1, size + 1):
            proof = [hash_of_range(tiles, leaves) for leaves in consistency_ranges(older, size)]
            assert proof == plain_consistency(older, LEAVES[:size])
            assert is_consistent(older, size, proof, root_of(LEAVES[:older]), root_of(LEAVES[:size]))


@pytest.mark.parametrize(("older", "newer"), [(1, 70_000), (256, 65_537), (511, 513), (65_535, 70_000)])
def test_a_changed_leaf_makes_trees_inconsistent(older: int, newer: int) -> None:
    tiles = tiles_in_batches(newer, 1)
    proof = [hash_of_range(tiles, leaves) for leaves in consistency_ranges(older, newer)]
    assert is_consistent(older, newer, proof, root_of(LEAVES[:older]), root_of(LEAVES[:newer]))
    forged = root_of([*LEAVES[: older - 1], leaf_hash(b"forged")])
    assert not is_consistent(older, newer, proof, forged, root_of(LEAVES[:newer]))


def test_nothing_is_proven_consistent_with_an_empty_tree() -> None:
    with pytest.raises(MerkleError):
        consistency_ranges(0, 5)
    assert not is_consistent(0, 5, [], EMPTY_ROOT, root_of(LEAVES[:5]))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_is_made_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(MerkleError):
        inclusion_ranges(index, size)
    assert not is_included(LEAVES[0], index, size, [], LEAVES[0])


def test_an_append_refuses_tiles_that_do_not_fit_the_size() -> None:
    with pytest.raises(MerkleError):
        append_leaves({TilePlace(0, 0): LEAVES[0]}, 2, LEAVES[2:4])


def test_a_checkpoint_comes_back_and_any_change_is_refused() -> None:
    key = Ed25519PrivateKey.generate()
    told = Checkpoint("d2r.ledger/a", 5, root_of(LEAVES[:5]))
    note = sign_checkpoint(told, key)
    assert open_checkpoint(note, "d2r.ledger/a", key.public_key()) == told
    for changed in (note.replace("\n5\n", "\n6\n"), note.replace("ledger/a", "ledger/b"), note[:-4] + "AA=\n", ""):
        with pytest.raises(CheckpointRefused):
            open_checkpoint(changed, "d2r.ledger/a", key.public_key())
    with pytest.raises(CheckpointRefused):
        open_checkpoint(note, "d2r.ledger/a", Ed25519PrivateKey.generate().public_key())
    with pytest.raises(CheckpointRefused):
        open_checkpoint(note, "d2r.ledger/b", key.public_key())


def vectors(folder: str) -> list[Any]:
    return [
        pytest.param(json.loads(path.read_text()), id=f"{path.parent.name}/{path.stem}")
        for path in sorted((SHARED / "merkle" / "testdata" / folder).rglob("*.json"))
    ] or [pytest.param(None, marks=pytest.mark.skip(reason="no public vectors beside the checkout"))]


def decoded(proof: list[str] | None) -> list[bytes]:
    return [b64decode(part) for part in proof or []]


@pytest.mark.parametrize("vector", vectors("inclusion"))
def test_public_inclusion_vectors(vector: dict[str, Any]) -> None:
    root, leaf = b64decode(vector["root"] or ""), b64decode(vector["leafHash"] or "")
    held = is_included(leaf, vector["leafIdx"], vector["treeSize"], decoded(vector["proof"]), root)
    assert held is not vector["wantErr"], vector["desc"]


@pytest.mark.parametrize("vector", vectors("consistency"))
def test_public_consistency_vectors(vector: dict[str, Any]) -> None:
    old_root, new_root = b64decode(vector["root1"] or ""), b64decode(vector["root2"] or "")
    held = is_consistent(vector["size1"], vector["size2"], decoded(vector["proof"]), old_root, new_root)
    assert held is not vector["wantErr"], vector["desc"]


def test_a_public_log_is_read_tile_by_tile_and_its_checkpoints_hold() -> None:
    if not (file := SHARED / "tessera" / "testdata_log.json").exists():
        pytest.skip("no public vectors beside the checkout")
    log = json.loads(file.read_text())
    name, _, encoded = log["vkey"].split("+", 2)
    key = Ed25519PublicKey.from_public_bytes(b64decode(encoded)[1:])
    assert verifier_key(name, key) == log["vkey"]
    for size, note in log["checkpoints"].items():
        checkpoint = open_checkpoint(note, name, key)
        assert checkpoint.size == int(size)
        if checkpoint.size:
            tile = b64decode(log["files_b64"][f"tile/0/000.p/{size}"])
            tiles = append_leaves({}, 0, hashes_in(tile))
            assert tiles == {TilePlace(0, 0): tile}
            assert hash_of_range(tiles, Range(0, checkpoint.size)) == checkpoint.root
