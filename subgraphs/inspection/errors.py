"""What inspection refuses beyond the common tree of `subgraphs.serving.errors`; each message says what to do.

Refused
├── NotFound, Forbidden, BadInput       as they are
├── BadInput
│   └── PartsMismatch      the parts do not add up to the promised file
├── Conflict
│   ├── SerialNumberTaken  another asset of this kind has the serial number
│   ├── PartsMissing       complete was called before every part had arrived
│   ├── CadNotReady        the CAD revision is not usable (yet, or ever)
│   ├── IllegalMove        the thing is past the state in which this is allowed
│   ├── ScansNotComparable  the scans are not of one thing, not processed, or fit it in several poses
│   └── DecisionStands     the inspection was decided otherwise meanwhile, or needs no operator
└── OperatorRequired       a decision needs a person, and the caller is none
"""

from __future__ import annotations

from subgraphs.serving.errors import BadInput, Conflict, FailureCode, Refused


class PartsMismatch(BadInput):
    code = "PARTS_MISMATCH"


class SerialNumberTaken(Conflict):
    code = "SERIAL_NUMBER_TAKEN"

    def __init__(self, serial_number: str) -> None:
        super().__init__(
            f"An asset of this kind with serial number {serial_number} exists; query it or choose another number.",
            ("input", "serialNumber"),
        )
        self.serial_number = serial_number


class PartsMissing(Conflict):
    code = "PARTS_MISSING"
    retryable = True

    def __init__(self, expected: int, missing: tuple[int, ...]) -> None:
        numbers = ", ".join(map(str, missing[:8])) + (", …" if len(missing) > 8 else "")
        super().__init__(
            f"{len(missing)} of {expected} parts are missing (numbers {numbers}). Put them, then complete again.",
            ("input", "parts"),
        )
        self.expected, self.missing = expected, missing


class CadNotReady(Conflict):
    code = "CAD_NOT_READY"

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message, ("input", "cadRevisionId"))
        self.retryable = retryable


class IllegalMove(Conflict):
    code = "ILLEGAL_MOVE"

    def __init__(self, noun: str, state: str, wanted: str) -> None:
        super().__init__(f"The {noun} is {state} and cannot become {wanted}.")
        self.noun, self.state, self.wanted = noun, state, wanted


class ScansNotComparable(Conflict):
    code = "SCANS_NOT_COMPARABLE"


class DecisionStands(Conflict):
    code = "DECISION_STANDS"


class OperatorRequired(Refused):
    failure = FailureCode.FORBIDDEN
    code = "OPERATOR_REQUIRED"

    def __init__(self) -> None:
        super().__init__("A decision is bound to an operator: sign in as a person, or use a key issued to one.")
