"""The tenancy subgraph's schema."""

from subgraphs.serving.schema import SubgraphSchema
from subgraphs.tenancy.mutations import HANDLERS, Mutation
from subgraphs.tenancy.queries import Query

schema = SubgraphSchema(query=Query, mutation=Mutation, exception_handlers=HANDLERS)
