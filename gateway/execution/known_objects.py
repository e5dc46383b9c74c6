"""What an input's subgraph has told of its objects before, given to them without asking again.

In: the response tree, an input and the batch of what it would ask. Out: the batch of what is left to ask; the other
objects hold the fields by then. What is null or missing may have been an error's doing, and is asked for.
"""

from __future__ import annotations

import msgspec

from gateway.execution.merge import merge_into
from gateway.execution.places import places_in, told_type
from gateway.execution.representations import Batch
from gateway.plan.nodes import EntityInput, KnownAt, Step

_encoder = msgspec.json.Encoder()
Fields = dict[str, object]
Keys = tuple[str, ...]


class KnownObjects:
    """Those of one execution. A place is read once, however many inputs look there: by then its fetch is over."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[tuple[Step, ...], Keys], dict[bytes, list[Fields]]] = {}

    def give(self, tree: Fields, wanted: EntityInput, batch: Batch) -> Batch:
        """The batch without the objects of which all is known."""
        left = msgspec.structs.replace(batch, representations=[], owners=[])
        for representation, owners in zip(batch.representations, batch.owners, strict=True):
            fields = self._of(tree, wanted, representation)
            if fields is None:
                left.representations.append(representation)
                left.owners.append(owners)
                continue
            for owner in owners:
                merge_into(owner.object, fields)
        return left

    def _of(self, tree: Fields, wanted: EntityInput, representation: Fields) -> Fields | None:
        for at in wanted.known_at:
            key = _encoder.encode([representation[name] for name, _ in at.key])
            for held in self._at(tree, at).get(key, ()):
                fields = {asked: held.get(there) for asked, there in at.fields}
                is_whole = all(value is not None for value in fields.values())
                if is_whole and told_type(held) in (None, wanted.typename_as):
                    return fields
        return None

    def _at(self, tree: Fields, at: KnownAt) -> dict[bytes, list[Fields]]:
        keys = tuple(there for _, there in at.key)
        found = self._by_key.get((at.path, keys))
        if found is None:
            found = self._by_key[at.path, keys] = {}
            for place in places_in(tree, at.path):
                key = [place.object.get(each) for each in keys]
                if all(value is not None for value in key):
                    found.setdefault(_encoder.encode(key), []).append(place.object)
        return found
