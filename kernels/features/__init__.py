"""Planes, cylinders and spheres: fitted to points, found in clouds, picked on a mesh.

    fitted = fit_cylinder(points)                # robust least squares; strays have no say
    fitted.shape.radius, fitted.uncertainty      # with the covariance of all parameters
    features = find_features(points, normals, seed=0)
    nominal = feature_at(vertices, triangles, place)

Tolerance: on a whole shape with noise sigma the parameters are those of least squares; 20 % of strays move them by less
than a few standard uncertainties. Association is Gaussian (ISO 5459 allows it where it is stated); minimum-zone and
contacting associations are not offered.

Refuses (kernels.errors): `FeatureNotFound` for points that are too few or show no such shape.
"""

from kernels.features.find import Feature, find_features
from kernels.features.fit import Fitted, fit_cylinder, fit_plane, fit_sphere
from kernels.features.pick import Picked, feature_at
from kernels.features.shapes import Cylinder, Plane, Shape, Sphere

__all__ = [
    "Cylinder",
    "Feature",
    "Fitted",
    "Picked",
    "Plane",
    "Shape",
    "Sphere",
    "feature_at",
    "find_features",
    "fit_cylinder",
    "fit_plane",
    "fit_sphere",
]
