"""Passes over the fetch graph, one file a pass: each takes all fetches and gives all fetches."""
