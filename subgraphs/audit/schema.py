"""The audit subgraph's schema. It has no mutations: the log is written by the acts that it tells of."""

from subgraphs.audit.queries import ENTITIES, Query
from subgraphs.serving.schema import SubgraphSchema

schema = SubgraphSchema(query=Query, types=ENTITIES)
