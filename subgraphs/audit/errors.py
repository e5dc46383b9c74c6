"""What audit refuses beyond the common tree of `subgraphs.serving.errors`.

Refused
└── BadInput
    └── CheckpointUnreadable   a witnessed checkpoint that is no note of this log
"""

from subgraphs.serving.errors import BadInput


class CheckpointUnreadable(BadInput):
    code = "CHECKPOINT_UNREADABLE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This is no checkpoint of this workspace's log: {reason}", ("witnessed",))
