"""Clouds in the object store: how the points and deviations of a tile become bytes, and back."""
