"""What a verified caller holds of what an operation demands: scopes and policies.

In: an `Identity` (None: nobody in particular) and the policies that the operation names. Out: `Access`. Scopes are read
from the token's claims, as RFC 9068's text with spaces or as a list. Whether a policy holds is asked of an evaluator;
without one, a claim lists those that do. What is not answered with yes is no.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Set

from gateway.http.identity import Identity
from gateway.operation.authorise import NOBODY, Access
from gateway.settings import AccessSettings

Evaluate = Callable[[frozenset[str], Identity | None], Awaitable[Set[str]]]
"""Of these policies, those that hold for the caller."""
_log = logging.getLogger("gateway")


class CallerAccess:
    """`evaluate`: an evaluator of one's own. One that fails grants nothing, and the log tells why."""

    def __init__(self, settings: AccessSettings, evaluate: Evaluate | None = None) -> None:
        self._settings = settings
        self._evaluate = evaluate

    async def of(self, identity: Identity | None, policies: frozenset[str]) -> Access:
        granted = await self._granted(identity, policies) if policies else frozenset()
        if identity is None:
            return Access(policies=granted) if granted else NOBODY
        return Access(True, _texts(identity.claims, self._settings.scope_claims), granted)

    async def _granted(self, identity: Identity | None, policies: frozenset[str]) -> frozenset[str]:
        if self._evaluate is None:
            held = _texts(identity.claims, (self._settings.policy_claim,)) if identity else frozenset()
            return policies & held
        try:
            return policies & frozenset(await self._evaluate(policies, identity))
        except Exception:
            # Somebody's own code: whatever is wrong with it, it has not said yes.
            _log.exception("the evaluator of policies failed; none of %s is granted", sorted(policies))
            return frozenset()


def _texts(claims: Mapping[str, object], names: tuple[str, ...]) -> frozenset[str]:
    """The texts under all these claims."""
    found: set[str] = set()
    for name in names:
        value = claims.get(name)
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(each for each in value if isinstance(each, str))
    return frozenset(found)
