"""The rows of custom roles, written under the people's lock after all checks. Private to this package."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.members import held
from zentra.tenants.members.queries import list_members
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.models import Role, RoleVersion
from zentra.tenants.permissions import Permission
from zentra.tenants.roles import conflicts
from zentra.tenants.roles.errors import StaleRole, UnknownRole, conflict
from zentra.tenants.roles.queries import find_custom_role, permissions_by_role
from zentra.tenants.roles.types import CustomRole, Definition


def holders_of(workspace: TenantRef, key: str) -> list[MemberRecord]:
    """The members who have a role."""
    return [each for each in list_members(workspace_id=workspace.id) if key in each.roles]


def check_holders(workspace: TenantRef, wanted: Definition) -> None:
    """Raises RolesConflict where the new definition does not go with the other roles of somebody who has it."""
    known = permissions_by_role(workspace_id=workspace.id) | {wanted.key: wanted.permissions}
    for member in holders_of(workspace, wanted.key):
        if pairs := conflicts.conflicts_of_roles(member.roles, known):
            raise conflict(pairs)


def write_definition(workspace: TenantRef, wanted: Definition, *, actor: Actor, now: datetime) -> CustomRole:
    """Make or change a role, at once, for all who have it. Under the people's lock, after all checks."""
    stands = find_custom_role(workspace_id=workspace.id, key=wanted.key)
    number = 1 if stands is None else stands.version + 1
    values = {
        "name": wanted.name, "words": wanted.words, "permissions": sorted(wanted.permissions), "version": number,
        "changed_by": actor.id, "changed_at": now,
    }  # fmt: skip
    if stands is None:
        Role.objects.create(
            workspace_id=workspace.id, key=wanted.key, created_by=actor.id, created_at=now, state="active", **values
        )
    elif role_rows(workspace, stands).update(**values) != 1:
        raise StaleRole
    role = Role.objects.get(workspace_id=workspace.id, key=wanted.key)
    RoleVersion.objects.create(
        role=role, version=number, name=wanted.name, permissions=sorted(wanted.permissions), by=actor.id, at=now
    )
    before = stands.permissions if stands else frozenset()
    tell("changed" if stands else "created", workspace, wanted.key, actor, now,
          added=wanted.permissions - before, taken=before - wanted.permissions)  # fmt: skip
    for member in holders_of(workspace, wanted.key):
        held.spread(workspace, member, role=member.role, actor=actor, now=now)
    return current_role(workspace, wanted.key)


def current_role(workspace: TenantRef, key: str) -> CustomRole:
    """A custom role as it stands; raises UnknownRole."""
    found = find_custom_role(workspace_id=workspace.id, key=key)
    if found is None:
        raise UnknownRole
    return found


def role_rows(workspace: TenantRef, role: CustomRole) -> QuerySet[Role]:
    """Its row, as long as it is at that version."""
    return Role.objects.filter(workspace_id=workspace.id, key=role.key, state="active", version=role.version)


def tell(
    what: str,
    workspace: TenantRef,
    key: str,
    actor: Actor,
    now: datetime,
    *,
    added: Collection[Permission],
    taken: Collection[Permission],
) -> None:
    """Record ``role.<what>``: codes and numbers."""
    role = current_role(workspace, key)
    data: dict[str, object] = {
        "role": key, "version": role.version, "permissions": sorted(role.permissions), "added": sorted(added),
        "taken": sorted(taken), "holders": role.holders,
    }  # fmt: skip
    record_events(events=[NewEvent(type=f"role.{what}", actor=actor, data=data)], now=now)
