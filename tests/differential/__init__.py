"""Random graphs split over subgraphs, asked random questions: the gateway must answer as one plain schema does.

house.py            what a graph is made of: a `House` with its subgraphs, types, keys and fields
building.py         chance -> a House; keys by keys.py, fields by furnishing.py, @requires and @provides by depending.py
schema_texts.py     a House -> the whole as one schema, each subgraph's own schema
supergraph_text.py  a House -> its supergraph
truth.py            a House -> objects with values; what every field of every object is
answering.py        the whole answered by graphql-core, and each subgraph answered by its own schema
exercised.py        what an operation exercised, to be counted
operations.py       chance and a schema -> an operation that is valid there; arguments and variables by inputs.py
faults.py           what goes wrong: subgraphs down, entities not found; which places are lost for it
comparing.py        chance -> a House, some questions, both answers, how they differ
"""
