"""Let the platform's staff into a workspace for a while, and end it. Both are told to the workspace and the platform.

These begin outside any workspace: what happened is written into two logs, in one transaction.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.queue import enqueue
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef, tenant_work
from zentra.tenants.access import PermissionDenied
from zentra.tenants.members.news import announce_change
from zentra.tenants.models import Membership, StaffGrant
from zentra.tenants.permissions import STAFF_PERMISSIONS, Permission
from zentra.tenants.queries import permissions_in_workspace, platform_ref
from zentra.tenants.staff.errors import (
    InvalidStaffRequest,
    StaffGrantNotFound,
    StaffInsideAlready,
    StaffKeptOut,
    WorkspaceNotOpen,
)
from zentra.tenants.staff.queries import find_grant
from zentra.tenants.staff.types import EndedBy, StaffGrantRecord

MOST_HOURS: Final = 8
MAX_REASON: Final = 300
MAX_REFERENCE: Final = 80
KEPT_OUT: Final = timedelta(hours=24)
"""For how long whoever was sent away by an admin of the workspace does not come back by themselves."""

END_WORK: Final = "staff.end"


def request_access(
    *,
    workspace: TenantRef,
    role: str,
    reason: str,
    hours: int,
    actor: Actor,
    reference: str = "",
    now: datetime,
) -> StaffGrantRecord:
    """Let one of the platform's staff into a workspace, at once, for 1 to 8 hours. Whoever asks is who may enter.

    It ends by itself, or when they or an admin of the workspace end it. Recorded as ``staff.access_granted``.

    Raises:
        InvalidStaffRequest: no such role, no reason, or hours out of bounds.
        PermissionDenied: the actor is not of the staff that may enter (any more).
        WorkspaceNotOpen: the workspace is not active.
        StaffInsideAlready: they have an open grant there, or are a member.
        StaffKeptOut: an admin of the workspace ended their access less than 24 hours ago.
    """
    why = _check(role, reason, hours)
    with transaction.atomic():
        _hold_staff(actor)
        _check_open(workspace)
        if Membership.objects.filter(workspace_id=workspace.id, user_id=actor.id).exists():
            raise StaffInsideAlready("They are a member of this workspace and need no grant.")
        _close_what_is_over(workspace, actor, now)
        _check_not_kept_out(workspace, actor, now)
        ends_at = now + timedelta(hours=hours)
        grant_id = _insert(
            workspace,
            actor,
            role=role,
            reason=why,
            reference=reference.strip()[:MAX_REFERENCE],
            now=now,
            ends_at=ends_at,
        )
        enqueue(workspace_id=workspace.id, kind=END_WORK, ref=grant_id, due_at=ends_at)
        data: dict[str, object] = {"role": role, "minutes": hours * 60, "ends_at": iso(ends_at)}
        _record("staff.access_granted", workspace, actor, data | _who(grant_id, actor.id, workspace), now)
        announce_change(workspace_id=workspace.id, user_id=actor.id)
        return _get(grant_id, workspace)


def end_access(*, workspace: TenantRef, grant_id: str, by: EndedBy, actor: Actor, now: datetime) -> StaffGrantRecord:
    """End a grant at once: open pages and sockets close within a second. Ended already, it stays as it is.

    Raises:
        StaffGrantNotFound: there is no such grant in this workspace.
        PermissionDenied: staff end their own access only.
    """
    found = _get(grant_id, workspace)
    if by == "staff" and found.user_id != actor.id:
        raise PermissionDenied("Staff end their own access; an admin of the workspace ends anybody's.")
    with transaction.atomic():
        ended_at = min(now, found.ends_at)
        changed = StaffGrant.objects.filter(id=found.id, ended_at__isnull=True).update(
            ended_at=ended_at, ended_by=actor.id
        )
        if changed == 1:
            data: dict[str, object] = {"by": by, **_who(found.id, found.user_id, workspace)}
            _record("staff.access_ended", workspace, actor, data, now)
            announce_change(workspace_id=workspace.id, user_id=found.user_id)
    return _get(grant_id, workspace)


def end_when_over(*, workspace: TenantRef, grant_id: str, now: datetime) -> StaffGrantRecord:
    """End a grant whose time is over; one that ended, or has time left, stays as it is.

    Raises:
        StaffGrantNotFound: there is no such grant in this workspace.
    """
    found = _get(grant_id, workspace)
    if found.ended_at is not None or found.ends_at > now:
        return found
    return end_access(workspace=workspace, grant_id=grant_id, by="time", actor=actors.RUNTIME, now=now)


def _check(role: str, reason: str, hours: int) -> str:
    why = reason.strip()
    if role not in STAFF_PERMISSIONS:
        raise InvalidStaffRequest("Staff enter as viewer or as support.")
    if not why or len(why) > MAX_REASON:
        raise InvalidStaffRequest(f"Say why, in at most {MAX_REASON} characters: the workspace's admins read it.")
    if isinstance(hours, bool) or not 1 <= hours <= MOST_HOURS:
        raise InvalidStaffRequest(f"Say for how many hours, 1 to {MOST_HOURS}.")
    return why


def _hold_staff(actor: Actor) -> None:
    """Whoever asks is of the staff, and stays so until this ends."""
    platform = platform_ref()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM public.tenants_membership WHERE workspace_id = %s AND user_id = %s FOR SHARE",
            [platform.id, ids.to_uuid(actor.id, prefix="usr")],
        )
    if Permission.STAFF_ENTER not in permissions_in_workspace(user_id=actor.id, workspace_id=platform.id):
        raise PermissionDenied("Only the platform's staff enter a workspace by a grant.")


def _check_open(workspace: TenantRef) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM public.tenants_workspace WHERE id = %s FOR SHARE", [workspace.id])
        row = cursor.fetchone()
    if row is None or row[0] != "active" or workspace.schema == PLATFORM_SCHEMA:
        raise WorkspaceNotOpen(f"It is {row[0]}." if row and row[0] != "active" else "There is no such workspace.")


def _close_what_is_over(workspace: TenantRef, actor: Actor, now: datetime) -> None:
    """A grant that ended by time and whose work is late does not stand in the way of the next one."""
    late = StaffGrant.objects.filter(
        workspace_id=workspace.id, user_id=actor.id, ended_at__isnull=True, ends_at__lte=now
    ).values_list("id", flat=True)
    for grant_id in list(late):
        end_when_over(workspace=workspace, grant_id=str(grant_id), now=now)


def _check_not_kept_out(workspace: TenantRef, actor: Actor, now: datetime) -> None:
    """Whom an admin sent away stays away for a day; who left, or whose time was over, may come again."""
    sent_away = (
        StaffGrant.objects.filter(workspace_id=workspace.id, user_id=actor.id, ended_at__gt=now - KEPT_OUT)
        .exclude(ended_by__in=["", actor.id, actors.RUNTIME.id])
        .order_by("-ended_at")
        .values_list("ended_at", flat=True)
    )
    latest = sent_away.first()
    if latest is not None:
        raise StaffKeptOut(f"They may ask again after {latest + KEPT_OUT:%d %b %Y %H:%M} UTC.")


def _insert(
    workspace: TenantRef, actor: Actor, *, role: str, reason: str, reference: str, now: datetime, ends_at: datetime
) -> str:
    grant_id = ids.new_id("stf")
    try:
        with transaction.atomic():
            StaffGrant.objects.create(
                id=grant_id, workspace_id=workspace.id, user_id=actor.id, role=role, reason=reason,
                reference=reference.strip()[:MAX_REFERENCE], starts_at=now, ends_at=ends_at, created_at=now,
            )  # fmt: skip
    except IntegrityError as twin:
        raise StaffInsideAlready("They have access already; its end is on the page.") from twin
    return grant_id


def _get(grant_id: str, workspace: TenantRef) -> StaffGrantRecord:
    found = find_grant(grant_id=grant_id)
    if found is None or found.workspace_id != workspace.id:
        raise StaffGrantNotFound
    return found


def _who(grant_id: str, user_id: str, workspace: TenantRef) -> dict[str, object]:
    return {"grant_id": grant_id, "user_id": user_id, "workspace_id": ids.to_public("ws", workspace.id)}


def _record(event: str, workspace: TenantRef, actor: Actor, data: dict[str, object], now: datetime) -> None:
    """In the workspace's own log, where its people see it, and in the platform's."""
    for place in (workspace, platform_ref()):
        with tenant_work(place):
            record_events(events=[NewEvent(type=event, actor=actor, data=dict(data))], now=now)
