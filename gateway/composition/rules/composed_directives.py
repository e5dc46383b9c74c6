"""@composeDirective: a directive of one's own reaches the supergraph, under the specification that defines it."""

from __future__ import annotations

from gateway.composition.federation_spec import FEDERATION
from gateway.composition.problems import Report
from gateway.composition.schema import SubgraphSchema


def check(schema: SubgraphSchema, report: Report) -> None:
    """Refuse to compose what is not defined, or belongs to no linked specification."""
    for name, applied in schema.composed.items():
        place = schema.place(applied.node)
        if name not in schema.directives:
            message = (
                f'[{schema.name}] @composeDirective(name: "@{name}"): the subgraph defines no directive "@{name}".'
            )
            report.problem("DIRECTIVE_COMPOSITION_ERROR", message, place)
        elif spec_of(schema, name) is None:
            message = (
                f'[{schema.name}] @composeDirective(name: "@{name}"): no @link of the subgraph imports "@{name}", '
                f"so one "
                f"cannot tell whether two subgraphs mean the same."
            )
            report.problem("DIRECTIVE_COMPOSITION_ERROR", message, place)


def spec_of(schema: SubgraphSchema, name: str) -> str | None:
    """The identity of the specification that a directive of the subgraph was imported from."""
    for link in schema.links:
        if link.identity != FEDERATION and f"@{name}" in link.imports.values():
            return link.identity
    return None
