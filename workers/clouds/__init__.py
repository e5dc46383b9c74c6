"""Scans that no memory holds: decoded into sorted runs, merged into tiles, measured tile by tile.

Every run and tile is an object in the store and a kept piece of the job, so a worker that takes the job over goes on
after the last one that was finished.
"""
