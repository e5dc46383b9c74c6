"""The rules of inspection as verbs. In: a unit of work and values. Out: values, or a refusal of `errors`.

Both faces, the graph and the workers, come through here. What a verb writes, it writes in the unit of work that it was
given: rows, jobs, events and ledger entries commit together or not at all.
"""
