"""What the doors of this app hand out."""

from dataclasses import dataclass
from datetime import datetime

from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.permissions import Permission


@dataclass(frozen=True, slots=True)
class Member:
    """A person inside a workspace.

    ``role`` is the main one, which events and pages show; ``roles`` are all, and ``permissions`` what they include
    together. ``grant_id`` is set for the platform's staff, who are here for a while (role ``staff``).
    ``needs_second_factor``: a role of theirs is entered with one only.
    """

    user_id: str
    email: str
    name: str
    role: str
    workspace: TenantRef
    workspace_name: str
    last_seen_at: datetime | None = None
    permissions: frozenset[Permission] = frozenset()
    roles: tuple[str, ...] = ()
    grant_id: str | None = None
    needs_second_factor: bool = False
    has_second_factor: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether one of this person's roles includes the operation."""
        return permission in self.permissions

    def actor(self) -> Actor:
        """This person as an actor: an id and a role, never an address."""
        return Actor(kind="user", id=self.user_id, role=self.role)


@dataclass(frozen=True, slots=True)
class WorkspaceSummary:
    """One line of the workspace switcher."""

    slug: str
    name: str
    mode: str
    role: str


@dataclass(frozen=True, slots=True)
class ClosedWorkspace:
    """A workspace that nobody enters now, for somebody who is a member of it: that, since when, and by whom."""

    slug: str
    name: str
    mode: str
    state: str
    role: str
    since: datetime | None
    by: str
    reason: str
    delete_after: datetime | None
