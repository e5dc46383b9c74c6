"""Where a scan lies on its CAD: a rigid transform, found from anywhere, or a refusal.

    found = register(index, points)              # (n, 3) in the mesh's unit, any pose
    found.transform                              # (4, 4) float64, scan to CAD

Tolerance: on a scan with noise sigma, strays and a local bulge the worst corner of the part is placed within about
sigma / 10. The result is the same for the same input and seed.

It refuses rather than guesses (kernels.errors): `RegistrationFailed` when the best pose leaves too much of the scan off
the surface, `AmbiguousRegistration` when two poses fit alike but measure differently, `TooFewPoints`. A motion that
the scan does not resist (the turn of a shaft) is reported in `unconstrained`; deviations do not depend on it.
"""

from kernels.registration.motion import MotionKind, UnconstrainedMotion
from kernels.registration.register import Registration, register
from kernels.registration.scale import scale_suspicion

__all__ = ["MotionKind", "Registration", "UnconstrainedMotion", "register", "scale_suspicion"]
