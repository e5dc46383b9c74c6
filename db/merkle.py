"""Merkle trees as RFC 6962 has them, kept as tiles as C2SP tlog-tiles has them. Pure: bytes in, bytes out.

A node is `(height, number)`: the root of the leaves from `number << height` on, `1 << height` of them. A tile holds up
to 256 neighbouring nodes of a height that is a multiple of 8; every complete node can be computed from one tile. Proofs
are made from ranges of leaves, ranges from nodes, nodes from tiles, so whoever holds the tiles in a table can ask
beforehand which of them a proof needs (`tiles_of`). The verifying half needs no tree at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from db.errors import MerkleError

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()


class TilePlace(NamedTuple):
    """Which tile: level 0 holds leaf hashes."""

    level: int
    number: int


class Node(NamedTuple):
    """A complete subtree of `1 << height` leaves."""

    height: int
    number: int


class Range(NamedTuple):
    """Leaves from `start` up to, not including, `end`."""

    start: int
    end: int


Tiles = Mapping[TilePlace, bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf; the prefix keeps it from being taken for a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The complete subtrees that make up a tree so far, largest first: enough to append to it and to know its root."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self._roots.append(leaf)
        self.size += 1
        completed = self.size
        while completed % 2 == 0:
            right = self._roots.pop()
            self._roots[-1] = node_hash(self._roots[-1], right)
            completed //= 2

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return _join(self._roots)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _join(roots: Sequence[bytes]) -> bytes:
    """The hash over subtrees, largest first."""
    if not roots:
        return EMPTY_ROOT
    joined = roots[-1]
    for root in reversed(roots[:-1]):
        joined = node_hash(root, joined)
    return joined


# --- tiles ---------------------------------------------------------------------------------------------------------


def growing_tiles(size: int) -> list[TilePlace]:
    """The tiles of a tree of `size` that are not full: those that an append changes."""
    places = []
    level, width = 0, size
    while width:
        if width % TILE_WIDTH:
            places.append(TilePlace(level, width // TILE_WIDTH))
        level, width = level + 1, width // TILE_WIDTH
    return places


def append_leaves(growing: Tiles, size: int, leaves: Sequence[bytes]) -> dict[TilePlace, bytes]:
    """The tiles that change when `leaves` follow a tree of `size`, whose growing tiles are given."""
    changed: dict[TilePlace, bytes] = {}
    level, start, fresh = 0, size, list(leaves)
    while fresh:
        full: list[bytes] = []
        first_tile = start // TILE_WIDTH
        there = _growing_tile(growing, TilePlace(level, first_tile), start % TILE_WIDTH)
        row = there + b"".join(fresh)
        for offset in range(0, len(row), TILE_WIDTH * HASH_BYTES):
            tile = row[offset : offset + TILE_WIDTH * HASH_BYTES]
            changed[TilePlace(level, first_tile + offset // (TILE_WIDTH * HASH_BYTES))] = tile
            if len(tile) == TILE_WIDTH * HASH_BYTES:
                full.append(root_of(hashes_in(tile)))
        level, start, fresh = level + 1, first_tile, full
    return changed


def _growing_tile(growing: Tiles, place: TilePlace, width: int) -> bytes:
    tile = growing.get(place, b"") if width else b""
    if len(tile) != width * HASH_BYTES:
        raise MerkleError(f"Tile {place.number} of level {place.level} holds {len(tile)} bytes, not {width} hashes.")
    return tile


def hashes_in(tile: bytes) -> list[bytes]:
    """The hashes that a tile holds."""
    return [tile[offset : offset + HASH_BYTES] for offset in range(0, len(tile), HASH_BYTES)]


def nodes_of(leaves: Range) -> Iterator[Node]:
    """The complete subtrees that make up a range that is a subtree of some tree, largest first."""
    start = leaves.start
    while start < leaves.end:
        height = (leaves.end - start).bit_length() - 1
        yield Node(height, start >> height)
        start += 1 << height


def tiles_of(ranges: Iterable[Range]) -> set[TilePlace]:
    """The tiles that hold everything that `ranges` need."""
    return {_tile_of(node) for leaves in ranges for node in nodes_of(leaves)}


def _tile_of(node: Node) -> TilePlace:
    level, inside = divmod(node.height, TILE_HEIGHT)
    return TilePlace(level, (node.number << inside) // TILE_WIDTH)


def hash_of_node(tiles: Tiles, node: Node) -> bytes:
    """The hash of a complete subtree."""
    place = _tile_of(node)
    inside = node.height % TILE_HEIGHT
    first = (node.number << inside) % TILE_WIDTH
    hashes = hashes_in(tiles.get(place, b""))[first : first + (1 << inside)]
    if len(hashes) != 1 << inside:
        raise MerkleError(f"Tile {place.number} of level {place.level} does not reach as far as the tree does.")
    return root_of(hashes)


def hash_of_range(tiles: Tiles, leaves: Range) -> bytes:
    """The hash over a range that is a subtree of some tree."""
    return _join([hash_of_node(tiles, node) for node in nodes_of(leaves)])


# --- proofs --------------------------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """What an inclusion proof is made of, lowest first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise MerkleError(f"A tree of {size} leaves has no leaf {index}.")
    ranges = []
    leaves = Range(0, size)
    while leaves.end - leaves.start > 1:
        left, right = _halves(leaves)
        leaves, sibling = (left, right) if index < left.end else (right, left)
        ranges.append(sibling)
    return ranges[::-1]


def consistency_ranges(older: int, newer: int) -> list[Range]:
    """What a consistency proof is made of, lowest first (RFC 6962, 2.1.2). Nothing is consistent with an empty tree."""
    if not 0 < older <= newer:
        raise MerkleError(f"There is no proof that a tree of {newer} leaves continues one of {older}.")
    ranges = []
    leaves = Range(0, newer)
    while leaves.end != older:
        left, right = _halves(leaves)
        leaves, sibling = (left, right) if older <= left.end else (right, left)
        ranges.append(sibling)
    # The old tree itself when it is one complete subtree: whoever asks knows its root.
    return ([] if leaves.start == 0 else [leaves]) + ranges[::-1]


def _halves(leaves: Range) -> tuple[Range, Range]:
    """Split where the left half is the largest complete subtree that is smaller than the whole."""
    middle = leaves.start + (1 << ((leaves.end - leaves.start - 1).bit_length() - 1))
    return Range(leaves.start, middle), Range(middle, leaves.end)


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows the leaf hash at `index` of the tree with `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return False
    node, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node % 2 or node == last:
            reached = node_hash(sibling, reached)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and reached == root


def is_consistent(older: int, newer: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether `proof` shows that the tree of `newer` leaves continues the one of `older` (RFC 9162, 2.1.4.2)."""
    if not 0 < older <= newer:
        return False
    if older == newer:
        return not proof and old_root == new_root
    path = [old_root, *proof] if older & (older - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = older - 1, newer - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    old_reached = new_reached = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            old_reached, new_reached = node_hash(sibling, old_reached), node_hash(sibling, new_reached)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            new_reached = node_hash(new_reached, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old_reached == old_root and new_reached == new_root
