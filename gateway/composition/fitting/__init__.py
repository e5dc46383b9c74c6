"""Do the subgraphs fit together? Rules that need the merged types; those about one field's type are checked as it is
merged.

In: `Merged`. Out: problems in the report.
"""

from __future__ import annotations

from gateway.composition.fitting import access, defaults, inaccessible, interfaces, ownership, sharing, sizes
from gateway.composition.merged import Merged
from gateway.composition.problems import Report


def check_fitting(merged: Merged, report: Report) -> None:
    """All rules across subgraphs, but whether everything can be reached."""
    ownership.check(merged, report)
    sharing.check(merged, report)
    interfaces.check(merged, report)
    inaccessible.check(merged, report)
    defaults.check(merged, report)
    sizes.check(merged, report)
    access.check(merged, report)
