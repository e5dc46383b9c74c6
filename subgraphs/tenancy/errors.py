"""What tenancy refuses beyond the common tree of `subgraphs.serving.errors`.

Refused
├── WrongCredentials      workspace, address, password, key or invitation: never said which
├── RateLimited
│   └── SignInLocked      too many failures for this address
├── Conflict
│   ├── EmailTaken        a member of this workspace has the address
│   ├── SerialNumberTaken a device of this workspace has the number
│   ├── LastOwner         a workspace keeps at least one active owner
│   └── KeyUsedOtherwise  the idempotency key was used for another request
└── BadInput
    ├── WeakPassword      too short, or the name of the person
    └── ScopesTooWide     a key for more than its maker, or its holder, may do
"""

from subgraphs.serving.errors import BadInput, Conflict, FailureCode, RateLimited, Refused


class WrongCredentials(Refused):
    failure = FailureCode.UNAUTHENTICATED
    code = "INVALID_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("These credentials do not open this workspace.")


class SignInLocked(RateLimited):
    code = "SIGN_IN_LOCKED"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"Too many failed attempts; try again in {round(retry_after_s)} s.", retry_after_s)


class EmailTaken(Conflict):
    code = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("A member of this workspace has this address.", ("input", "email"))


class SerialNumberTaken(Conflict):
    code = "SERIAL_NUMBER_TAKEN"

    def __init__(self) -> None:
        super().__init__("A device of this workspace has this serial number.", ("input", "serialNumber"))


class LastOwner(Conflict):
    code = "LAST_OWNER"

    def __init__(self) -> None:
        super().__init__("A workspace keeps at least one active owner; make somebody else owner first.")


class KeyUsedOtherwise(Conflict):
    code = "IDEMPOTENCY_KEY_USED"

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was used for another request; take a new one.", ("input", "idempotencyKey")
        )


class WeakPassword(BadInput):
    code = "WEAK_PASSWORD"

    def __init__(self, least: int) -> None:
        super().__init__(
            f"Take a password of at least {least} characters that is not your address.", ("input", "password")
        )


class ScopesTooWide(BadInput):
    code = "SCOPES_TOO_WIDE"

    def __init__(self, refused: frozenset[str]) -> None:
        super().__init__(
            f"These scopes are not yours or not the holder's to have: {', '.join(sorted(refused))}.",
            ("input", "scopes"),
        )
        self.refused = refused
