"""What the doors of this package hand out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from zentra.tenants.permissions import Permission

ChangeKind = Literal["member_roles", "role_new", "role_definition"]
ChangeState = Literal["pending", "applied", "refused", "withdrawn", "expired"]


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A role that a workspace made for itself. ``holders`` is how many members have it."""

    key: str
    name: str
    words: str
    permissions: frozenset[Permission]
    state: Literal["active", "retired"]
    version: int
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    holders: int

    @property
    def is_active(self) -> bool:
        """Whether it can be given."""
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a role would be."""

    key: str
    name: str
    words: str
    permissions: frozenset[Permission]

    def as_json(self) -> dict[str, Any]:
        """As a proposal keeps it."""
        return {"name": self.name, "words": self.words, "permissions": sorted(self.permissions)}


@dataclass(frozen=True, slots=True)
class RoleVersionRecord:
    """What a custom role was at one of its versions."""

    version: int
    name: str
    permissions: frozenset[str]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RoleChangeRecord:
    """A dangerous grant: proposed, and decided by somebody else. ``dangers`` is what of it is dangerous.

    ``user_id`` and ``roles`` for a member, ``role_key`` and ``definition`` for a role. ``took_admin`` marks the record
    of an admin who was taken away by another one alone.
    """

    id: str
    kind: ChangeKind
    user_id: str
    roles: tuple[str, ...]
    role_key: str
    definition: dict[str, Any] | None
    based_on: int
    reason: str
    state: ChangeState
    sole_admin: bool
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str

    @property
    def is_pending(self) -> bool:
        """Whether somebody has to decide it."""
        return self.state == "pending"


@dataclass(frozen=True, slots=True)
class RoleOutcome:
    """What became of another definition: the role as it is now, or the proposal that waits."""

    role: CustomRole | None
    change: RoleChangeRecord | None
