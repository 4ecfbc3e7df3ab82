"""What the doors of this package hand out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zentra.tenants.permissions import Permission

if TYPE_CHECKING:
    from zentra.tenants.roles.types import RoleChangeRecord


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A person's membership. ``role`` is the main one, ``also`` the others, ``permissions`` what all include together.

    ``has_password`` is false until a new person has used their link.
    """

    user_id: str
    email: str
    name: str
    role: str
    on_shift: bool
    version: int
    joined_at: datetime
    last_seen_at: datetime | None
    has_second_factor: bool
    has_password: bool
    is_only_here: bool
    also: tuple[str, ...]
    permissions: frozenset[Permission]

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles, the main one first."""
        return (self.role, *self.also)


@dataclass(frozen=True, slots=True)
class AddedMember:
    """A new member. ``token`` makes the link by which a new person sets a password; it is kept nowhere.

    ``change`` is the proposal of the roles that were asked for, where a second admin has to agree; until then they are
    a viewer.
    """

    member: MemberRecord
    token: str | None
    change: RoleChangeRecord | None = None


@dataclass(frozen=True, slots=True)
class RolesSet:
    """What became of other roles: the member as they are now, and the proposal, where one was needed."""

    member: MemberRecord
    change: RoleChangeRecord | None
