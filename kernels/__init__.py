"""Numeric kernels: NumPy arrays in, NumPy arrays out, lengths in millimetres (or whatever unit both inputs share).

They know no files, no tenants and no tables. Importing this package compiles nothing; `kernels.distance.warm_up()`
does, so that a worker pays for it at start and never within a job.
"""
