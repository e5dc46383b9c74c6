"""What may be wrong with one subgraph, by itself; each module is one directive or one theme.

In: a `SubgraphSchema`. Out: problems in the report, and on the schema what its field sets say (keys, requires,
provides).
"""

from __future__ import annotations

from gateway.composition.problems import Report
from gateway.composition.rules import (
    access,
    composed_directives,
    contexts,
    cost,
    external,
    interface_objects,
    keys,
    override,
    provides,
    requires,
)
from gateway.composition.schema import SubgraphSchema


def check_subgraph(schema: SubgraphSchema, report: Report) -> None:
    """All rules about one subgraph. Order matters: `external` looks at what field sets have used."""
    keys.check(schema, report)
    requires.check(schema, report)
    provides.check(schema, report)
    override.check(schema, report)
    interface_objects.check(schema, report)
    access.check(schema, report)
    cost.check(schema, report)
    contexts.check(schema, report)
    composed_directives.check(schema, report)
    external.check(schema, report)
