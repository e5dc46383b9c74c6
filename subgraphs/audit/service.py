"""Audit's rules: who may read the log, and what it is held to. In: a unit of work. Out: pages, events, a verdict."""

from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from db.checkpoints import open_checkpoint, origin_of
from db.errors import CheckpointRefused
from db.ledger.reading import Entry
from db.ledger.verifying import Verdict
from db.unit_of_work import UnitOfWork
from subgraphs.audit.errors import CheckpointUnreadable
from subgraphs.audit.repository import Repository
from subgraphs.serving.connections import PageRequest
from subgraphs.serving.errors import BadInput, NotFound


@dataclass(frozen=True)
class CheckpointKey:
    """The public half of the key that signs checkpoints."""

    public: Ed25519PublicKey


def index_after(request: PageRequest) -> int | None:
    """The index, or size, below which the page begins."""
    if request.after is None:
        return None
    if not request.after[0].isdigit() or len(request.after[0]) > 18:
        raise BadInput("This cursor belongs to another list.", ("after",))
    return int(request.after[0])


async def event(work: UnitOfWork, entry_id: UUID) -> Entry:
    found = await Repository(work).event(entry_id)
    if found is None:
        raise NotFound("AuditEvent")
    return found


async def verify(work: UnitOfWork, key: CheckpointKey, witnessed: str | None) -> Verdict:
    """Recompute the whole log; hold it to a checkpoint that somebody kept, where one is given."""
    kept = None
    if witnessed is not None:
        try:
            kept = open_checkpoint(witnessed, origin_of(work.caller.tenant), key.public)
        except CheckpointRefused as refused:
            raise CheckpointUnreadable(refused.reason) from refused
    return await Repository(work).verdict(key.public, kept)
