"""What durable state refuses, as one tree.

StateError
├── CapabilityRefused      the database did not take the unit of work's capability (wrong key, or a pooler in between)
├── LeaseLost              another worker holds the job, or it is finished: roll back
├── WakeupForged           a broker message whose signature does not hold
├── LedgerError
│   ├── LedgerKeyMissing   this process was started without the ledger's master key
│   ├── SubjectMissing     a personal payload without the person that it is about
│   ├── SubjectErased      the person's key is destroyed: nothing more can be written about them
│   ├── LogDiffers         the tiles are not what the last checkpoint signed: nothing is built on them
│   └── EntryNotSequenced  there is nothing to prove yet: the sequencer has not reached the entry, or there is none
├── BlobError
│   ├── BlobMissing        no such object under this tenant
│   ├── BlobKeyRefused     a key that could leave the tenant's prefix
│   └── PartsDiffer        an upload's parts are not what was promised
├── TileDamaged            bytes of a cloud's tile that cannot be read back
├── MerkleError            a proof or a tree that cannot be (size, index or hashes)
└── CheckpointRefused      a checkpoint note that is malformed or not signed by the key
"""

from __future__ import annotations

from uuid import UUID


class StateError(Exception):
    """Anything durable state refuses. `code` is stable."""

    code = "INTERNAL"


class CapabilityRefused(StateError):
    """The database answered another tenant, or none, to the capability that was set."""

    def __init__(self, wanted: UUID, answered: UUID | None) -> None:
        super().__init__(f"The database answered tenant {answered} to a capability for {wanted}.")
        self.wanted, self.answered = wanted, answered


class LeaseLost(StateError):
    """The lease's token is no longer the job's token, or the job is not running."""

    code = "LEASE_LOST"

    def __init__(self, job: UUID, token: int) -> None:
        super().__init__(f"Lease {token} on job {job} is lost.")
        self.job, self.token = job, token


class WakeupForged(StateError):
    """A wake-up that no process with the job signing key wrote."""

    code = "WAKEUP_FORGED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"A job wake-up was refused: {reason}.")
        self.reason = reason


class LedgerError(StateError):
    """Anything the ledger refuses."""


class LedgerKeyMissing(LedgerError):
    """This process was started without the ledger's master key."""

    def __init__(self) -> None:
        super().__init__("This process holds no master key of the ledger, so it can neither append nor read payloads.")


class SubjectMissing(LedgerError):
    """A personal payload without a person."""

    def __init__(self, type: str) -> None:
        super().__init__(f"A {type} entry has a personal payload, but no person that it is about.")
        self.type = type


class SubjectErased(LedgerError):
    """The subject's key was destroyed."""

    code = "SUBJECT_ERASED"

    def __init__(self, subject: UUID) -> None:
        super().__init__(f"The key of {subject} was destroyed: nothing more can be written about them.")
        self.subject = subject


class LogDiffers(LedgerError):
    """The tree in the tiles is not the one that was signed last."""

    code = "LOG_DIFFERS"

    def __init__(self, tenant: UUID, size: int) -> None:
        super().__init__(f"The log of {tenant} is not what was signed at size {size}: nothing is appended to it.")
        self.tenant, self.size = tenant, size


class EntryNotSequenced(LedgerError):
    """No such entry under this tenant, or none that has an index yet."""

    code = "NOT_FOUND"

    def __init__(self, entry: UUID) -> None:
        super().__init__(f"Entry {entry} is not in the log, or not yet.")
        self.entry = entry


class BlobError(StateError):
    """Anything the object store refuses, or we refuse to ask of it."""


class BlobMissing(BlobError):
    """No such object under this tenant."""

    code = "NOT_FOUND"

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no object {key}.")
        self.key = key


class BlobKeyRefused(BlobError):
    """A key that is not a plain path below the tenant's prefix."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} is not a plain relative path.")
        self.key = key


class PartsDiffer(BlobError):
    """What was uploaded is not what was promised. `parts` are the numbers of those that are missing or differ."""

    code = "PARTS_DIFFER"

    def __init__(self, key: str, parts: tuple[int, ...]) -> None:
        super().__init__(f"Parts {', '.join(map(str, parts))} of {key} are missing or differ from what was promised.")
        self.key, self.parts = key, parts


class TileDamaged(StateError):
    """What the store holds of a tile is not what was written."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"A tile cannot be read back: {reason}.")
        self.reason = reason


class MerkleError(StateError):
    """A size, an index or a proof that no tree has."""


class CheckpointRefused(StateError):
    """A checkpoint that is malformed or that the key did not sign."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The checkpoint was refused: {reason}.")
        self.reason = reason
