"""Where a scan lies on its CAD: a rigid transform, found from anywhere, or a refusal.

    found = register(index, points)                          # (n, 3) in the mesh's unit, any pose
    found.transform                                          # (4, 4) float64, scan to CAD
    register(index, points, locks=Locks(frozenset({Degree.ALONG_Z})))
    align_to_points(index, points, reference_points)         # 3-2-1, RPS
    align_to_datums(index, points, datums)                   # primary, secondary, tertiary (ISO 5459)

Tolerance: on a scan with noise sigma, strays and a local bulge the worst corner of the part is placed within about
sigma / 10. The result is the same for the same input and seed. `covariance` tells how sure the pose is.

It refuses rather than guesses (kernels.errors): `RegistrationFailed` when the best pose leaves too much of the scan off
the surface, `AmbiguousRegistration` when two poses fit alike but measure differently, `UndecidedMotion` when the scan
may slide or turn and its deviations would change, `WrongScale` when it fits at another size only, `ScanTooSmall`,
`TooFewPoints`. A motion that the scan does not resist and that changes no deviation (the turn of a shaft) is reported
in `unconstrained`, a symmetric pose in `alternatives`.
"""

from kernels.registration.datums import Datum, DatumAlignment, align_to_datums
from kernels.registration.locks import Degree, Locks
from kernels.registration.motion import MotionKind, UnconstrainedMotion
from kernels.registration.reference_points import (
    PointAlignment,
    ReferencePoint,
    align_to_points,
    solve_reference_points,
)
from kernels.registration.register import register
from kernels.registration.result import Alternative, Registration
from kernels.registration.scale import scale_suspicion

__all__ = [
    "Alternative",
    "Datum",
    "DatumAlignment",
    "Degree",
    "Locks",
    "MotionKind",
    "PointAlignment",
    "ReferencePoint",
    "Registration",
    "UnconstrainedMotion",
    "align_to_datums",
    "align_to_points",
    "register",
    "scale_suspicion",
    "solve_reference_points",
]
