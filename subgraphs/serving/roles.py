"""Who may do what: one table from roles to scopes. Policies read it, sign-in copies it into tokens.

A service checks scopes, never roles: an API key carries scopes without having a role.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    WORKSPACE_READ = "workspace:read"
    MEMBERS_MANAGE = "members:manage"
    KEYS_MANAGE = "keys:manage"
    DEVICES_MANAGE = "devices:manage"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    SCANS_UPLOAD = "scans:upload"
    INSPECTIONS_READ = "inspections:read"
    INSPECTIONS_DECIDE = "inspections:decide"
    TWINS_READ = "twins:read"
    TWINS_COMMIT = "twins:commit"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    OWNER = "owner"
    QUALITY_ENGINEER = "quality_engineer"
    OPERATOR = "operator"
    VIEWER = "viewer"
    DEVICE = "device"
    AUDITOR = "auditor"


_SEES = frozenset({Scope.WORKSPACE_READ, Scope.ASSETS_READ, Scope.INSPECTIONS_READ, Scope.TWINS_READ})

SCOPES_OF_ROLE: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OWNER: frozenset(Scope),
    Role.QUALITY_ENGINEER: _SEES
    | {Scope.ASSETS_WRITE, Scope.SCANS_UPLOAD, Scope.INSPECTIONS_DECIDE, Scope.TWINS_COMMIT},
    Role.OPERATOR: _SEES | {Scope.SCANS_UPLOAD, Scope.INSPECTIONS_DECIDE},
    Role.VIEWER: _SEES,
    Role.DEVICE: frozenset({Scope.ASSETS_READ, Scope.SCANS_UPLOAD, Scope.INSPECTIONS_READ}),
    Role.AUDITOR: _SEES | {Scope.AUDIT_READ},
}

_ROLE_NAMES = frozenset(map(str, Role))


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Every scope that these roles give together. A role that the table does not know gives none."""
    known = (SCOPES_OF_ROLE[Role(role)] for role in roles if role in _ROLE_NAMES)
    return frozenset(str(scope) for scopes in known for scope in scopes)
