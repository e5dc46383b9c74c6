"""What the signed distances of a scan say about the part.

    found = summarise(points, distance, lower, upper)

Points (n, 3) and distances (n,) in one unit; the tolerance zone is [lower, upper]. Every statistic leaves out strays
(points that stand alone against their neighbours) and counts them. The *profile* is the lowest and highest local
deviation: the median of a neighbourhood, so that no single point decides and a small bulge does not drown. Its expanded
uncertainty (k = 2) comes from the scan's own noise. Refuses (kernels.errors) unequal shapes, NaN, fewer than 32 points.
"""

from kernels.deviation.summary import DeviationStatistics, WorstPlace, summarise

__all__ = ["DeviationStatistics", "WorstPlace", "summarise"]
