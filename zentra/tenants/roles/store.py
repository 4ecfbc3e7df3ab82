"""The rows of proposals and of custom roles. Private to this package and to members; all under the people's lock."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.members.queries import list_members
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.models import RoleChange
from zentra.tenants.permissions import DANGEROUS, Permission
from zentra.tenants.roles.errors import RoleChangePending, SecondAdminNeeded, UnknownRoleChange
from zentra.tenants.roles.queries import find_role_change
from zentra.tenants.roles.types import ChangeKind, RoleChangeRecord

OPEN_FOR: Final = timedelta(days=7)
"""How long a proposal waits for a second admin, and how long an admin who took the other away waits for one."""

MANAGES: Final[dict[str, Permission]] = {
    "member_roles": Permission.PEOPLE_MANAGE,
    "role_new": Permission.ROLES_MANAGE,
    "role_definition": Permission.ROLES_MANAGE,
}
"""Which permission proposes and decides each kind."""

MANAGING: Final = frozenset(MANAGES.values())
"""Who has one of these could be the second admin."""

LONGEST_REASON: Final = 500


def dangers_of(given: Collection[Permission]) -> frozenset[Permission]:
    """What of it takes a second admin."""
    return DANGEROUS.intersection(given)


def list_approvers(
    workspace: TenantRef, *, kind: ChangeKind, given: frozenset[Permission], leave_out: Collection[str]
) -> list[MemberRecord]:
    """Who could decide such a grant: they manage it, have what is given, can sign in, and have no part in it."""
    return [
        each
        for each in list_members(workspace_id=workspace.id)
        if each.user_id not in leave_out
        and each.has_password
        and MANAGES[kind] in each.permissions
        and given <= each.permissions
    ]


def takes_two(
    workspace: TenantRef,
    *,
    kind: ChangeKind,
    given: frozenset[Permission],
    asker: str,
    receivers: Collection[str],
    now: datetime,
) -> bool:
    """Whether a dangerous grant waits for somebody else: false where there is nobody who could decide it.

    Raises SecondAdminNeeded where there is nobody because the asker took them away within the last seven days, or
    because who could decide it has the role: else one admin could make two of themselves.
    """
    if list_approvers(workspace, kind=kind, given=given, leave_out={asker, *receivers}):
        return True
    # They have it already, so they gain nothing by it; and who asks may have given it to them for that.
    if list_approvers(workspace, kind=kind, given=given, leave_out={asker}):
        raise SecondAdminNeeded("Who could agree has this role: take it from them first.")
    if RoleChange.objects.filter(
        workspace_id=workspace.id, asked_by=asker, definition__took_admin=True, asked_at__gt=now - OPEN_FOR
    ).exists():
        raise SecondAdminNeeded(
            f"You took an admin away within the last {OPEN_FOR.days} days; until then only another one gives this."
        )
    return False


def keep_change(
    workspace: TenantRef,
    *,
    kind: ChangeKind,
    actor: Actor,
    now: datetime,
    reason: str,
    based_on: int,
    user_id: str | None = None,
    roles: Sequence[str] = (),
    role_key: str = "",
    definition: dict[str, Any] | None = None,
    sole_admin: bool = False,
) -> RoleChangeRecord:
    """Write a proposal, or with ``sole_admin`` what is done at once; recorded. Raises RoleChangePending."""
    same: dict[str, Any] = {"user_id": user_id} if user_id is not None else {"role_key": role_key}
    rows = RoleChange.objects.filter(workspace_id=workspace.id, state="pending", expires_at__gt=now, **same)
    if rows.exists():
        raise RoleChangePending("Decide or withdraw the proposal that is open first.")
    row = RoleChange.objects.create(
        id=ids.new_id("rch"), workspace_id=workspace.id, kind=kind, user_id=user_id, roles=list(roles),
        role_key=role_key, definition=definition, based_on=based_on, reason=reason.strip()[:LONGEST_REASON],
        state="applied" if sole_admin else "pending", sole_admin=sole_admin, asked_by=actor.id, asked_at=now,
        expires_at=now + OPEN_FOR, decided_by=actor.id if sole_admin else "", decided_at=now if sole_admin else None,
    )  # fmt: skip
    change = get_change(workspace, row.id, now)
    tell("applied" if sole_admin else "proposed", change, actor=actor, now=now)
    return change


def keep_taken_admin(workspace: TenantRef, member: MemberRecord, *, actor: Actor, now: datetime) -> None:
    """Remember that one admin took another away alone."""
    if not MANAGING & member.permissions or not member.has_password:
        return
    RoleChange.objects.create(
        id=ids.new_id("rch"), workspace_id=workspace.id, kind="member_roles", user_id=member.user_id, roles=[],
        definition={"took_admin": True}, based_on=member.version, reason="", state="applied", sole_admin=True,
        asked_by=actor.id, asked_at=now, expires_at=now, decided_by=actor.id, decided_at=now,
    )  # fmt: skip


def get_change(workspace: TenantRef, change_id: str, now: datetime) -> RoleChangeRecord:
    """A proposal as it stands; raises UnknownRoleChange."""
    found = find_role_change(workspace_id=workspace.id, change_id=change_id, now=now)
    if found is None:
        raise UnknownRoleChange
    return found


def decide(
    workspace: TenantRef, change: RoleChangeRecord, state: str, *, actor: Actor, now: datetime, note: str = ""
) -> RoleChangeRecord:
    """End a proposal; recorded."""
    RoleChange.objects.filter(workspace_id=workspace.id, id=change.id, state="pending").update(
        state=state, decided_by=actor.id, decided_at=now, note=note.strip()[:LONGEST_REASON]
    )
    ended = get_change(workspace, change.id, now)
    tell(state, ended, actor=actor, now=now)
    return ended


def end_changes_of(workspace: TenantRef, user_id: str, *, actor: Actor, now: datetime) -> None:
    """Withdraw what was proposed for somebody who is no member any more."""
    for row in RoleChange.objects.filter(workspace_id=workspace.id, user_id=user_id, state="pending").order_by("id"):
        decide(workspace, get_change(workspace, row.id, now), "withdrawn", actor=actor, now=now)


def tell(what: str, change: RoleChangeRecord, *, actor: Actor, now: datetime) -> None:
    """Record ``role_change.<what>``: ids and codes, never the words."""
    data: dict[str, object] = {
        "change_id": change.id, "kind": change.kind, "user_id": change.user_id or None, "roles": list(change.roles),
        "role": change.role_key or None, "asked_by": change.asked_by, "sole_admin": change.sole_admin,
        "permissions": sorted((change.definition or {}).get("permissions", [])),
    }  # fmt: skip
    record_events(events=[NewEvent(type=f"role_change.{what}", actor=actor, data=data)], now=now)
