"""Plan in, response out. Knows nodes and shapes, never how a plan was found.

The walk (`executor`) is generic: any plan, any answer. A compiled form of a plan may stand beside it, taking the same
`QueryPlan` and giving the same `Response`; this one stays the meaning of a plan.
"""
