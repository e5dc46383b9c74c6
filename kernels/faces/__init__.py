"""The faces of a part: which triangles belong together, and what shape each face is.

    faces = faces_of(vertices, triangles)                  # (m,) face of each triangle, the largest is 0
    shape = shape_of(points, tolerance)                    # plane, cylinder, sphere, or None: freeform

A face ends at a sharp edge. Where the CAD file names its own faces, `numbered` puts those in the same order instead.
Shapes are nominal: they are read off the CAD's corners, never off a scan.
"""

from kernels.faces.segmentation import ELSEWHERE, faces_of, numbered
from kernels.faces.shapes import Cylinder, Plane, Shape, Sphere, shape_of

__all__ = ["ELSEWHERE", "Cylinder", "Plane", "Shape", "Sphere", "faces_of", "numbered", "shape_of"]
