"""Write `schema.graphql`, the supergraph, from the subgraphs' schemas. For development: the product never runs it."""
