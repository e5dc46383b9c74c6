"""What an input's subgraph has told of its objects before, given to them without asking again.

In: the response tree, an input and the batch of what it would ask. Out: the batch of what is left to ask; the other
objects hold the fields by then. What is null or missing may have been an error's doing, and is asked for.
"""

from __future__ import annotations

import msgspec

from gateway.execution.merge import merge_into
from gateway.execution.places import places_in
from gateway.execution.representations import Batch
from gateway.plan.nodes import EntityInput, KnownAt

_encoder = msgspec.json.Encoder()
Fields = dict[str, object]


def give_known(tree: dict[str, object], wanted: EntityInput, batch: Batch) -> Batch:
    """The batch without the objects of which all is known."""
    if not batch.representations:
        return batch
    known: dict[bytes, Fields] = {}
    for at in wanted.known_at:
        for place in places_in(tree, at.path):
            _note(known, at, place.object)
    if not known:
        return batch
    left = msgspec.structs.replace(batch, representations=[], owners=[])
    names = [name for name, _ in wanted.known_at[0].key]
    for representation, owners in zip(batch.representations, batch.owners, strict=True):
        fields = known.get(_encoder.encode([representation[name] for name in names]))
        if fields is None:
            left.representations.append(representation)
            left.owners.append(owners)
            continue
        for owner in owners:
            merge_into(owner.object, fields)
    return left


def _note(known: dict[bytes, Fields], at: KnownAt, held: dict[str, object]) -> None:
    key = [held.get(there) for _, there in at.key]
    fields = {asked: held.get(there) for asked, there in at.fields}
    if all(value is not None for value in (*key, *fields.values())):
        known.setdefault(_encoder.encode(key), fields)
