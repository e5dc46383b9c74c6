"""What readers and kernels refuse, as the end of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from kernels.errors import DegenerateReference, FeatureNotFound, KernelError, ScanMissing, UndecidedMotion
from workers.actor import JobProblem, JobRefused
from workers.errors import FileProblem

OF_KERNELS = "Check that scan and CAD are of the same part and in the right unit, or give a pose to start from."

OF_ALIGNMENT = "Begin the scan's upload anew with an alignment that the message asks for."
OF_MOTION = "Scan more of what holds the part, or lock that motion: lockedDegrees of the upload's alignment."


@contextmanager
def refusals(of_files: str, of_kernels: str = OF_KERNELS) -> Iterator[None]:
    """Within the block a refused file, or what a kernel refuses, ends the job with this remedy."""
    try:
        yield
    except FileProblem as problem:
        raise JobRefused(JobProblem(problem.code, problem.message, of_files)) from problem
    except KernelError as error:
        raise JobRefused(JobProblem(_code_of(error), str(error), _remedy(error, of_kernels))) from error


def _remedy(error: KernelError, usual: str) -> str:
    match error:
        case DegenerateReference() | FeatureNotFound() | ScanMissing():
            return OF_ALIGNMENT
        case UndecidedMotion():
            return OF_MOTION
        case _:
            return usual


def corrected(noun: str) -> str:
    return f"Correct the {noun} as the message says and upload it anew."


def _code_of(error: KernelError) -> str:
    """RegistrationFailed is REGISTRATION_FAILED."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).upper()
