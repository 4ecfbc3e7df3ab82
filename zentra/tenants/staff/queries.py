"""Read who of the platform's staff is or was in which workspace. Each is one statement over the public schema."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.staff.types import StaffGrantRecord
from zentra.tenants.types import WorkspaceSummary

_SELECT: Final = """
    SELECT g.id, g.workspace_id, w.slug, w.name, g.user_id, coalesce(nullif(u.name, ''), split_part(u.email, '@', 1)),
           u.email, g.role, g.reason, g.reference, g.starts_at, g.ends_at, g.ended_at, g.ended_by
      FROM public.tenants_staff_grant g
      JOIN public.tenants_user u ON u.id = g.user_id JOIN public.tenants_workspace w ON w.id = g.workspace_id
"""


def find_grant(*, grant_id: str) -> StaffGrantRecord | None:
    """The grant of an id ``stf_…``, open or over; None when there is none, also for what is no id."""
    try:
        key = ids.to_uuid(grant_id, prefix="stf")
    except ids.BadId:
        return None
    found = _grants("WHERE g.id = %s", [key])
    return found[0] if found else None


def list_grants(
    *, workspace_id: UUID | None = None, user_id: str = "", limit: int = 50, before: tuple[datetime, str] | None = None
) -> list[StaffGrantRecord]:
    """Grants, newest first: of one workspace, of one person, or all."""
    conditions, values = ["true"], list[Any]()
    if workspace_id is not None:
        conditions, values = [*conditions, "g.workspace_id = %s"], [*values, workspace_id]
    if user_id:
        conditions, values = [*conditions, "g.user_id = %s"], [*values, ids.to_uuid(user_id, prefix="usr")]
    if before is not None:
        conditions.append("(g.created_at, g.id) < (%s, %s)")
        values += [before[0], ids.to_uuid(before[1], prefix="stf")]
    clause = f"WHERE {' AND '.join(conditions)} ORDER BY g.created_at DESC, g.id DESC LIMIT %s"
    return _grants(clause, [*values, limit])


def list_inside(*, workspace_id: UUID, now: datetime) -> list[StaffGrantRecord]:
    """Who of the platform's staff may enter the workspace at this moment, longest first."""
    clause = (
        "WHERE g.workspace_id = %s AND g.ended_at IS NULL AND %s BETWEEN g.starts_at AND g.ends_at ORDER BY g.ends_at"
    )
    return _grants(clause, [workspace_id, now])


def list_workspaces_entered(*, user_id: str, now: datetime) -> list[WorkspaceSummary]:
    """The workspaces that a person may enter as staff at this moment, by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.slug, w.name, w.mode, 'staff' FROM public.tenants_staff_grant g"
            " JOIN public.tenants_workspace w ON w.id = g.workspace_id WHERE g.user_id = %s AND g.ended_at IS NULL"
            " AND %s BETWEEN g.starts_at AND g.ends_at AND w.state = 'active' ORDER BY w.name",
            [ids.to_uuid(user_id, prefix="usr"), now],
        )
        return [WorkspaceSummary(*row) for row in cursor.fetchall()]


def names_of_staff(*, user_ids: Sequence[str], workspace_id: UUID) -> dict[str, str]:
    """Display names of those of these people who are or were in the workspace as staff."""
    wanted = [ids.to_uuid(each, prefix="usr") for each in user_ids if each.startswith("usr_")]
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT u.id, coalesce(nullif(u.name, ''), split_part(u.email, '@', 1))"
            " FROM public.tenants_staff_grant g JOIN public.tenants_user u ON u.id = g.user_id"
            " WHERE g.workspace_id = %s AND u.id = ANY(%s)",
            [workspace_id, wanted],
        )
        return {ids.to_public("usr", key): name for key, name in cursor.fetchall()}


def _grants(clause: str, values: Sequence[Any]) -> list[StaffGrantRecord]:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT + clause, list(values))
        return [_record(*row) for row in cursor.fetchall()]


def _record(key: UUID, workspace_id: UUID, slug: str, name: str, user: UUID, *rest: Any) -> StaffGrantRecord:
    return StaffGrantRecord(ids.to_public("stf", key), workspace_id, slug, name, ids.to_public("usr", user), *rest)
