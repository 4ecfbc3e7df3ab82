"""The row of a member under the workspace's lock: who acts, whom it concerns, and the one place that writes roles.

One change of people or roles at a time in a workspace: each takes its row first (``FOR NO KEY UPDATE``), so that two
admins who remove each other, or two who step down, are one after the other.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.access import MembershipRequired, PermissionDenied
from zentra.tenants.members.errors import InvalidRole, LastAdmin, OwnRole, StaleMember, UnknownMember
from zentra.tenants.members.invitations import issue_invitation
from zentra.tenants.members.news import announce_change
from zentra.tenants.members.queries import find_member_record, list_members
from zentra.tenants.members.registry import tell_hooks
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.models import Membership, User
from zentra.tenants.permissions import DANGEROUS, Permission
from zentra.tenants.roles import conflicts
from zentra.tenants.roles.errors import BeyondOwnPermissions, conflict
from zentra.tenants.roles.queries import permissions_by_role

ADMIN: Final = "admin"
MOST_ROLES: Final = 6


def lock_people(workspace: TenantRef) -> None:
    """Wait until nobody else changes people or roles of this workspace, and keep others waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM public.tenants_workspace WHERE id = %s FOR NO KEY UPDATE", [workspace.id])


def acting_member(workspace: TenantRef, actor: Actor, permission: Permission) -> MemberRecord:
    """The actor as they are now, not as their request found them; raises MembershipRequired, PermissionDenied."""
    member = find_member_record(workspace_id=workspace.id, user_id=actor.id) if actor.kind == "user" else None
    if member is None:
        raise MembershipRequired
    if permission not in member.permissions:
        raise PermissionDenied(f"As {member.role} you do not have “{permission}” here.")
    return member


def get_member(workspace: TenantRef, user_id: str) -> MemberRecord:
    """A member by their id; raises UnknownMember."""
    try:
        member = find_member_record(workspace_id=workspace.id, user_id=user_id)
    except ids.BadId:
        member = None
    if member is None:
        raise UnknownMember
    return member


def changeable(workspace: TenantRef, user_id: str, version: int | None, by: MemberRecord) -> MemberRecord:
    """The member whom somebody else is about to change.

    Raises:
        UnknownMember, StaleMember.
        OwnRole: nobody changes the own roles.
        BeyondOwnPermissions: the member may do what the actor may not.
    """
    if user_id == by.user_id:
        raise OwnRole
    member = get_member(workspace, user_id)
    if version is not None and version != member.version:
        raise StaleMember(f"They are {member.role} now.", role=member.role, version=member.version)
    check_within(member.permissions, by)
    return member


def check_within(permissions: frozenset[Permission], by: MemberRecord) -> None:
    """Raises BeyondOwnPermissions for what the actor does not have themselves."""
    missing = sorted(permissions - by.permissions)
    if missing:
        raise BeyondOwnPermissions(f"You do not have {', '.join(missing)} yourself.", missing=missing)


def check_roles(workspace: TenantRef, roles: Sequence[str]) -> tuple[str, ...]:
    """The roles, each once, the main one first; raises InvalidRole, RolesConflict."""
    wanted, known = tuple(dict.fromkeys(roles)), permissions_by_role(workspace_id=workspace.id, mode=workspace.mode)
    unknown = [role for role in wanted if role not in known]
    if unknown or not wanted:
        raise InvalidRole(f"Choose among {', '.join(known)}.")
    if len(wanted) > MOST_ROLES:
        raise InvalidRole(f"At most {MOST_ROLES} roles.")
    if pairs := conflicts.conflicts_of_roles(wanted, known):
        raise conflict(pairs)
    return wanted


def permissions_with(workspace: TenantRef, roles: Sequence[str]) -> frozenset[Permission]:
    """What somebody with these roles may do here."""
    known = permissions_by_role(workspace_id=workspace.id, mode=workspace.mode)
    return frozenset().union(*(known.get(role, frozenset()) for role in roles))


def write_roles(
    workspace: TenantRef,
    member: MemberRecord,
    roles: Sequence[str],
    *,
    actor: Actor,
    now: datetime,
    change_id: str | None = None,
    sole_admin: bool = False,
) -> MemberRecord:
    """Give a member these roles, at once. Under ``lock_people``; raises LastAdmin, StaleMember.

    Who has set no password yet and gains something dangerous gets another link by mail; the one before ends.
    """
    main, *also = roles
    if ADMIN in member.roles and ADMIN not in roles:
        keep_an_admin(workspace, but=member.user_id)
    changed = Membership.objects.filter(
        workspace_id=workspace.id, user_id=member.user_id, version=member.version
    ).update(role=main, also=also, version=member.version + 1)
    if changed != 1:
        raise StaleMember
    data: dict[str, object] = {
        "user_id": member.user_id, "from_role": member.role, "role": main, "from_also": list(member.also),
        "also": also, "change_id": change_id, "sole_admin": sole_admin,
    }  # fmt: skip
    record_events(events=[NewEvent(type="member.role_changed", actor=actor, data=data)], now=now)
    spread(workspace, member, role=main, actor=actor, now=now)
    may = permissions_with(workspace, roles)
    if not member.has_password and DANGEROUS & (may - member.permissions):
        # Whoever invited them may have kept the link to what was harmless then.
        user = User.objects.get(id=member.user_id)
        issue_invitation(workspace=workspace, user=user, role=main, actor=actor, now=now)
    return replace(member, role=main, also=tuple(also), permissions=may, version=member.version + 1)


def keep_an_admin(workspace: TenantRef, *, but: str) -> None:
    """Raises LastAdmin when nobody else is an admin who can sign in."""
    others = (each for each in list_members(workspace_id=workspace.id) if each.user_id != but)
    # One who never set a password cannot act, and so is none who remains.
    if not any(ADMIN in each.roles and each.has_password for each in others):
        raise LastAdmin


def spread(workspace: TenantRef, member: MemberRecord, *, role: str, actor: Actor, now: datetime) -> None:
    """Tell what follows a member: who works on cases, and the sockets that are open."""
    tell_hooks(
        workspace_id=workspace.id, user_id=member.user_id, role_before=member.role, role=role, actor=actor, now=now
    )
    announce_change(workspace_id=workspace.id, user_id=member.user_id)
