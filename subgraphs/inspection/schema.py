"""Inspection's schema."""

from __future__ import annotations

from subgraphs.inspection.mutations import HANDLERS, Mutation
from subgraphs.inspection.queries import Query, Workspace
from subgraphs.inspection.subscriptions import Subscription
from subgraphs.inspection.types.entities import Machine, Part, Structure
from subgraphs.serving.schema import SubgraphSchema

schema = SubgraphSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Part, Machine, Structure, Workspace],
    exception_handlers=HANDLERS,
)
