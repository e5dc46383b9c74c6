"""What has changed between two scans of one thing: M3C2 (Lague, Brodu and Leroux 2013) with its level of detection.

    found = compare(first, second, cores, normals, radius, depth, registration_error)
    found.distance, found.detectable, found.is_significant

Points (n, 3), (m, 3), core points (k, 3) and unit normals (k, 3) in one frame and unit. At each core point both scans
are averaged within a cylinder of `radius` along the normal, up to `depth` to either side; the distance is the second's
mean less the first's, positive outwards. LoD95 = 1.96 (sqrt(s1² / n1 + s2² / n2) + registration_error): a smaller
distance is no change that can be told. NaN where either scan has fewer than four points.

Exact: every point of a cylinder counts once, in double precision. Refuses (kernels.errors) other shapes, NaN, lengths
that are not above zero.
"""

from kernels.m3c2.comparison import Change, compare

__all__ = ["Change", "compare"]
