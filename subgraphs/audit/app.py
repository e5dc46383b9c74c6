"""What audit opens for itself: the public half of the key that signs checkpoints."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from db.keys import checkpoint_key
from subgraphs.audit.service import CheckpointKey
from subgraphs.serving.context import Resources
from subgraphs.serving.process import ProcessSettings


@asynccontextmanager
async def open_own_resources(shared: Resources) -> AsyncIterator[Mapping[type, object]]:
    key = checkpoint_key(shared.get(ProcessSettings).keys).public_key()
    yield {CheckpointKey: CheckpointKey(key)}
