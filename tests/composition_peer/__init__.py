"""Composition beside a peer: graphs of ours, broken at random, composed by both.

Mutants come from `mutations.py`, the peer is `@theguild/federation-composition` (Node). Both must refuse the same
graphs for the same reasons, and what both compose must mean the same. Where we know better, `comparing.py` says so and
why.
"""
