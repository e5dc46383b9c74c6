"""Where an axis lies against where it should: ISO 1101 position, the datum system being the frame of both."""

import numpy as np

from kernels.faces.shapes import Cylinder


def position(found: Cylinder, nominal: Cylinder) -> float:
    """Diameter of the cylinder about the nominal axis that holds the found axis over the nominal length."""
    across = []
    for end in (-0.5, 0.5):
        plane = nominal.point + end * nominal.length * nominal.axis
        share = float((plane - found.point) @ nominal.axis) / float(found.axis @ nominal.axis)
        off = found.point + share * found.axis - plane
        across.append(float(np.linalg.norm(off - (off @ nominal.axis) * nominal.axis)))
    return 2.0 * max(across)
