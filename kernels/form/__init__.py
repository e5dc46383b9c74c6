"""Deviations of form and place, by minimum zones (ISO 1101): the narrowest zone that holds all points.

    flatness(points).width                                   # between two parallel planes
    circularity(points, axis), cylindricity(points, near)    # between two coaxial circles, cylinders
    sphericity(points)                                       # between two concentric spheres
    profile(index, points)                                   # twice the farthest from the nominal surface, at best fit
    position(found, nominal)                                 # diameter of the zone about the nominal axis

A minimum zone rests on its few extreme points: give filtered points (medians of neighbourhoods), never a raw scan with
its strays. Method: Chebyshev fit by sequential linear programs from the least-squares fit, each over an exchanged set
of extremes. Flatness is the global minimum for any surface that is flat to begin with; the others are the minimum that
is nearest to least squares. Tolerance: the width is within 1e-6 of itself of that minimum.

Refuses (kernels.errors) other shapes, NaN, and fewer points than the zone has unknowns and one.
"""

from kernels.form.place import position
from kernels.form.profile import profile
from kernels.form.zones import CylinderZone, PlaneZone, SphereZone, circularity, cylindricity, flatness, sphericity

__all__ = [
    "CylinderZone",
    "PlaneZone",
    "SphereZone",
    "circularity",
    "cylindricity",
    "flatness",
    "position",
    "profile",
    "sphericity",
]
