"""A plane cut through a part, and what a scan deviates along the cut.

    lines = cut(vertices, triangles, point, normal)                   # polylines (k, 3), closed ones end where they
    begin along = deviations_along(lines, points, distances, point, normal, half_width, step)

The cut of a closed mesh is closed lines; of an open one some may be open. A plane through corners or along an edge is
taken for one a hair above it, so that every cut is made of clean segments. Scan points count when they lie within
`half_width` of the plane; each goes to the nearest station of the lines, a `step` apart, and a station tells the
median. Stations that no point came to are NaN. Refuses (kernels.errors) lengths that are not above zero and a normal
without length.
"""

from kernels.sections.along import Stations, deviations_along
from kernels.sections.cutting import cut

__all__ = ["Stations", "cut", "deviations_along"]
