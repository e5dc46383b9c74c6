"""Random graphs split over subgraphs, asked random questions: the gateway must answer as one plain schema does.

house.py       chance -> a `House`: entities, who knows them by which keys, who resolves which field, and how
texts.py       a House -> its supergraph, the whole as one schema, each subgraph's own schema
truth.py       a House -> objects with values; what every field of every object is
answering.py   the whole answered by graphql-core, and each subgraph answered by its own schema
operations.py  chance and a schema -> an operation with variables that is valid there
"""
