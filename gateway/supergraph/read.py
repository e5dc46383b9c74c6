"""Read a composed supergraph: text in, one frozen value out.

In: the supergraph SDL (join spec v0.2 to v0.5). Out: `Supergraph`. Refuses: text that does not parse, that is no
composed supergraph, or whose client schema is invalid.
"""

from __future__ import annotations

from graphql import DocumentNode, GraphQLSyntaxError, OperationType, SchemaDefinitionNode, parse, validate_schema

from gateway.plan.nodes import OperationKind
from gateway.supergraph.access import access_rules_of
from gateway.supergraph.api_schema import api_schema_of
from gateway.supergraph.contexts import context_setters
from gateway.supergraph.cost import cost_rules_of
from gateway.supergraph.delivery import deliveries_of
from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.join import graphs_of, implementers_anywhere, read_types
from gateway.supergraph.model import Supergraph

_KINDS: dict[OperationType, OperationKind] = {
    OperationType.QUERY: "query",
    OperationType.MUTATION: "mutation",
    OperationType.SUBSCRIPTION: "subscription",
}


def is_only_new(message: str) -> bool:
    """A rule of 2025 that graphs which have long been served do not keep: deprecation is advice, and harms no
    answer."""
    return message.endswith("must not be deprecated.") and message.startswith("Interface field ")


def read_supergraph(text: str) -> Supergraph:
    """The supergraph that the text describes."""
    try:
        document = parse(text, no_location=True)
    except GraphQLSyntaxError as problem:
        raise SupergraphInvalid(f"it does not parse ({problem.message})") from problem
    return supergraph_of(document)


def supergraph_of(document: DocumentNode) -> Supergraph:
    """The supergraph that the document describes."""
    graphs = graphs_of(document)
    api_schema = api_schema_of(document)
    problems = validate_schema(api_schema)
    # In place: graphql-core keeps this list, and would refuse every operation for what is left in it.
    problems[:] = [problem for problem in problems if not is_only_new(problem.message)]
    if problems:
        raise SupergraphInvalid("; ".join(problem.message for problem in problems[:5]))
    possible = implementers_anywhere(document.definitions)
    interfaces: dict[str, set[str]] = {}
    for abstract, members in possible.items():
        for member in members:
            if member != abstract:
                interfaces.setdefault(member, set()).add(abstract)
    roots: dict[OperationKind, str] = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode):
            for root in node.operation_types:
                roots[_KINDS[root.operation]] = root.type.name.value
    types = read_types(document, graphs)
    return Supergraph(
        api_schema=api_schema,
        subgraphs={graph.name: graph for graph in sorted(graphs.values(), key=lambda graph: graph.name)},
        types=types,
        possible=possible,
        interfaces={name: frozenset(names) for name, names in interfaces.items()},
        roots=roots,
        contexts=context_setters(document, possible),
        deliveries=deliveries_of(document, types, roots["subscription"]),
        access=access_rules_of(document),
        cost=cost_rules_of(document),
    )
