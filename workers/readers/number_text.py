"""Numbers out of text, fast: one long run, whatever white space is between. Refuses a text that holds anything else."""

from __future__ import annotations

import warnings

import numpy as np

from workers.errors import FileCorrupt
from workers.readers.values import Floats


def numbers_in(file_name: str, body: bytes) -> Floats:
    with warnings.catch_warnings():
        # NumPy stops at the first word that is no number and only warns.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(body.decode("latin-1"), dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError) as failure:
            raise FileCorrupt(file_name, "something among its numbers is not a number") from failure
