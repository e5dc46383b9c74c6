"""Subgraphs in, one supergraph out.

What flows through: the text of each subgraph is read (`read_subgraph.py`) into a `SubgraphSchema` (`schema.py`) in
which federation's directives go by their own names, whatever the subgraph calls them, and Federation 1 is said in the
words of Federation 2. `rules/` says what is wrong with one subgraph, by itself. `merge/` joins the subgraphs' types
into `merged.py`, saying on the way what does not fit together; what fits is written as a document with join directives
(`write.py`) and read again as the planner reads it, and `satisfiability.py` asks of that query graph whether every
field can be reached.

Nothing here is needed to serve: only `python -m gateway compose` imports it. Rules are Apollo Federation 1 and 2.0 to
2.15, without connectors; codes are those that the field uses.
"""
