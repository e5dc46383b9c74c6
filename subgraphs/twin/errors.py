"""What twin refuses beyond the common tree of `subgraphs.serving.errors`.

Conflict
└── HeadMoved      the ref points elsewhere than the mover expected
"""

from __future__ import annotations

from uuid import UUID

from subgraphs.serving.errors import Conflict


class HeadMoved(Conflict):
    code = "HEAD_MOVED"
    retryable = True

    def __init__(self, ref: str, head: UUID | None) -> None:
        super().__init__(
            f"{ref} has moved since it was read; look at its new head and commit on top of it.",
            ("input", "expectedHead"),
        )
        self.ref, self.head = ref, head
