"""Reads of exports of workspaces."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.exports.types import ExportRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import permissions_in_workspace, platform_ref

_COLUMNS: Final = (
    "id, workspace_id, state, tables_done, tables, rows, file_name, size, sha256, error, requested_by, requested_at,"
    " ended_at, expires_at"
)


def find_export(*, workspace_id: UUID, export_id: str) -> ExportRecord | None:
    """The export of an id ``exp_…`` in this workspace, or None."""
    try:
        key = ids.to_uuid(export_id, prefix="exp")
    except ids.BadId:
        return None
    found = _select("workspace_id = %s AND id = %s", [workspace_id, key], 1)
    return found[0] if found else None


def list_exports(
    *, workspace_id: UUID, limit: int = 20, before: tuple[datetime, str] | None = None
) -> list[ExportRecord]:
    """Exports of a workspace, newest first; ``before`` is the (requested_at, id) of the last of the page before."""
    at, key = before or (None, None)
    return _select(
        "workspace_id = %s AND (%s::timestamptz IS NULL OR (requested_at, id) < (%s, %s::uuid))",
        [workspace_id, at, at, ids.to_uuid(key, prefix="exp") if key else None],
        limit,
    )


def may_export_as_staff(*, user_id: str, workspace_id: UUID, now: datetime) -> bool:
    """Whether one of the platform's staff may take everything of a workspace: it is archived, or they were let in."""
    if Permission.WORKSPACES_MANAGE not in permissions_in_workspace(user_id=user_id, workspace_id=platform_ref().id):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.state = 'archived' OR (w.state = 'active' AND EXISTS (SELECT 1 FROM public.tenants_staff_grant g"
            " WHERE g.workspace_id = w.id AND g.user_id = %s AND g.ended_at IS NULL"
            " AND %s BETWEEN g.starts_at AND g.ends_at AND EXISTS (SELECT 1 FROM public.tenants_membership p"
            " WHERE p.user_id = g.user_id AND p.workspace_id = %s AND p.created_at <= g.created_at)))"
            " FROM public.tenants_workspace w WHERE w.id = %s",
            [ids.to_uuid(user_id, prefix="usr"), now, platform_ref().id, workspace_id],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _select(condition: str, values: list[Any], limit: int) -> list[ExportRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM public.tenants_workspace_export WHERE {condition}"  # noqa: S608  # constant words
            " ORDER BY requested_at DESC, id DESC LIMIT %s",
            [*values, limit],
        )
        return [ExportRecord(ids.to_public("exp", row[0]), *row[1:]) for row in cursor.fetchall()]
