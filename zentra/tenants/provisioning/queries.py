"""Reads of workspaces and of the jobs that make and end them, for the platform's own staff."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.provisioning.store import COLUMNS, record
from zentra.tenants.provisioning.types import JobRecord, WorkspaceRecord

_WORKSPACE: Final = """
    SELECT w.id, w.slug, w.name, w.schema_name, w.mode, w.state, w.ledger_currency, w.version, w.created_at, w.twin_of,
           coalesce((SELECT t.slug FROM public.tenants_workspace t WHERE t.id = w.twin_of OR t.twin_of = w.id
                     ORDER BY t.slug LIMIT 1), ''),
           w.suspended_at, w.suspended_by, w.suspension_reason, w.archived_at, w.delete_after, w.deleted_at,
           (SELECT count(*) FROM public.tenants_membership m WHERE m.workspace_id = w.id),
           (SELECT count(*) FROM public.tenants_api_credential c WHERE c.workspace_id = w.id AND c.revoked_at IS NULL)
      FROM public.tenants_workspace w
"""


def find_job(*, job_id: str) -> JobRecord | None:
    """The job of an id ``job_…``, or None."""
    try:
        key = ids.to_uuid(job_id, prefix="job")
    except ids.BadId:
        return None
    found = _jobs("id = %s", [key], 1)
    return found[0] if found else None


def list_jobs(*, limit: int = 50, before: tuple[datetime, str] | None = None, slug: str = "") -> list[JobRecord]:
    """Jobs, newest first; ``before`` is the (created_at, id) of the last of the page before."""
    at, key = before or (None, None)
    return _jobs(
        "(%s = '' OR slug = %s) AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s::uuid))",
        [slug, slug, at, at, ids.to_uuid(key, prefix="job") if key else None],
        limit,
    )


def _jobs(condition: str, values: Sequence[Any], limit: int) -> list[JobRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM public.tenants_provisioning_job WHERE {condition}"  # noqa: S608  # constant words
            " ORDER BY created_at DESC, id DESC LIMIT %s",
            [*values, limit],
        )
        return [record(row) for row in cursor.fetchall()]


def find_workspace_record(*, slug: str = "", workspace_id: UUID | None = None) -> WorkspaceRecord | None:
    """The workspace of a short name or of an id, in any state; None when there is none. The platform is one too."""
    found = _workspaces("w.slug = %s OR w.id = %s", [slug, workspace_id], 1)
    return found[0] if found else None


def list_workspace_records(
    *, after: str = "", limit: int = 50, state: str = "", search: str = ""
) -> list[WorkspaceRecord]:
    """Workspaces by short name, beginning after ``after``; ``search`` is part of a short name or a name.

    Deleted ones are left out unless ``state`` asks for them.
    """
    wanted = "%" + search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return _workspaces(
        "w.mode <> 'platform' AND w.slug > %s AND (w.state = %s OR (%s = '' AND w.state <> 'deleted'))"
        " AND (w.slug ILIKE %s OR w.name ILIKE %s)",
        [after, state, state, wanted, wanted],
        limit,
    )


def _workspaces(condition: str, values: Sequence[Any], limit: int) -> list[WorkspaceRecord]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_WORKSPACE} WHERE {condition} ORDER BY w.slug LIMIT %s", [*values, limit])  # constant words
        return [WorkspaceRecord(*row) for row in cursor.fetchall()]


def count_workspaces() -> dict[str, int]:
    """How many workspaces there are in each state that any is in; without the platform."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM public.tenants_workspace WHERE mode <> 'platform' GROUP BY state")
        return {state: int(count) for state, count in cursor.fetchall()}


def list_due_for_deletion(*, now: datetime, limit: int = 20) -> list[WorkspaceRecord]:
    """Archived workspaces whose time to be kept is over, the longest over first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_WORKSPACE} WHERE w.state = 'archived' AND w.delete_after <= %s ORDER BY w.delete_after LIMIT %s",
            [now, limit],
        )
        return [WorkspaceRecord(*row) for row in cursor.fetchall()]
