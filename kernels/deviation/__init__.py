"""What the signed distances of a scan say about the part.

    found = summarise(points, distances, lower, upper)

Points (n, 3) and distances (n,) in one unit; the tolerance zone is [lower, upper]. Every statistic leaves out strays
(points that stand alone against their neighbours) and counts them. The *profile* is the lowest and highest local
deviation: the median of a neighbourhood, so that no single point decides and a small bulge does not drown. Its expanded
uncertainty (k = 2) comes from the scan's own noise. Refuses (kernels.errors) unequal shapes, NaN, fewer than 32 points.

    seen = survey(points, distances)                              # once, for both of
    whole, faces = summarise_survey(seen, lower, upper), summarise_regions(seen, triangle_of_point, ...)
"""

from kernels.deviation.regions import LocalFigures, RegionStatistics, summarise_regions
from kernels.deviation.summary import DeviationStatistics, WorstPlace, summarise, summarise_survey
from kernels.deviation.surveying import Survey, survey

__all__ = [
    "DeviationStatistics",
    "LocalFigures",
    "RegionStatistics",
    "Survey",
    "WorstPlace",
    "summarise",
    "summarise_regions",
    "summarise_survey",
    "survey",
]
