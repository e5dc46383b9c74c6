"""Twin's schema."""

from __future__ import annotations

from subgraphs.serving.schema import SubgraphSchema
from subgraphs.twin.mutations import HANDLERS, Mutation
from subgraphs.twin.queries import Query
from subgraphs.twin.types import Asset, Scan

schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Asset, Scan], exception_handlers=HANDLERS)
