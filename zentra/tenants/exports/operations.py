"""Ask for everything of a workspace, take the file, let it go when its time is over."""

from datetime import datetime, timedelta
from typing import BinaryIO, Final, cast

from django.core.files.storage import default_storage
from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.exports.errors import WorkspaceExportNotFound, WorkspaceExportNotReady, WorkspaceExportRunning
from zentra.tenants.exports.queries import find_export
from zentra.tenants.exports.types import ExportRecord, OpenedExport
from zentra.tenants.models import WorkspaceExport

WRITE: Final = "tenants.write_export"
EXPIRE: Final = "tenants.expire_export"
KEPT_FOR: Final = timedelta(days=7)
PRIORITY: Final = 9
"""After everything that moves money."""


def request_export(*, workspace: TenantRef, actor: Actor, now: datetime) -> ExportRecord:
    """Ask for everything of a workspace as one file, written in the background and kept for seven days.

    Begins outside any workspace, or inside this one. Recorded as ``workspace.export_requested``.

    Raises:
        WorkspaceExportRunning: one is being written.
    """
    export_id = ids.new_id("exp")
    with tenant_work(workspace):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM public.tenants_workspace WHERE id = %s FOR NO KEY UPDATE", [workspace.id])
        if WorkspaceExport.objects.filter(workspace_id=workspace.id, state__in=["waiting", "writing"]).exists():
            raise WorkspaceExportRunning
        WorkspaceExport.objects.create(id=export_id, workspace_id=workspace.id, requested_by=actor.id, requested_at=now)
        enqueue(workspace_id=workspace.id, kind=WRITE, ref=export_id, due_at=now, priority=PRIORITY)
        _record("workspace.export_requested", actor, {"export_id": export_id}, now)
        return get_export(workspace=workspace, export_id=export_id)


def get_export(*, workspace: TenantRef, export_id: str) -> ExportRecord:
    """The export of an id; raises WorkspaceExportNotFound."""
    found = find_export(workspace_id=workspace.id, export_id=export_id)
    if found is None:
        raise WorkspaceExportNotFound
    return found


def open_export(*, workspace: TenantRef, export_id: str, actor: Actor, now: datetime) -> OpenedExport:
    """The file of an export, open for reading. Recorded as ``workspace.export_downloaded``.

    Raises:
        WorkspaceExportNotFound: no such export here.
        WorkspaceExportNotReady: it is not written yet, or older than seven days.
    """
    found = get_export(workspace=workspace, export_id=export_id)
    if found.state != "ready" or found.expires_at is None or found.expires_at <= now:
        raise WorkspaceExportNotReady(f"It is {found.state}.", state=found.state)
    try:
        file = cast("BinaryIO", default_storage.open(storage_name(workspace=workspace, export_id=export_id), "rb"))
    except FileNotFoundError:
        raise WorkspaceExportNotReady("The file is not there any more.", state=found.state) from None
    with tenant_work(workspace):
        _record("workspace.export_downloaded", actor, {"export_id": export_id}, now)
    return OpenedExport(file, found.file_name, found.size, found.sha256)


def expire_export(*, workspace: TenantRef, export_id: str) -> None:
    """Remove the file of an export whose time is over; one without a file stays as it is.

    Raises:
        WorkspaceExportNotFound: no such export here.
    """
    get_export(workspace=workspace, export_id=export_id)
    default_storage.delete(storage_name(workspace=workspace, export_id=export_id))
    WorkspaceExport.objects.filter(id=export_id, state="ready").update(state="expired")


def storage_name(*, workspace: TenantRef, export_id: str) -> str:
    """Where the file of an export is kept. The schema is unique and never changes."""
    return f"{workspace.schema}/workspace-exports/{export_id}.zip"


def finish_export(
    *, workspace: TenantRef, export_id: str, tables: int, rows: int, size: int, sha256: str, actor: Actor, now: datetime
) -> bool:
    """The file is there; False when the export ended otherwise meanwhile. Recorded as ``workspace.exported``."""
    with tenant_work(workspace):
        name = f"{workspace.slug}-{now:%Y-%m-%d}-{export_id[-6:]}.zip"
        changed = WorkspaceExport.objects.filter(id=export_id, state="writing").update(
            state="ready", tables_done=tables, tables=tables, rows=rows, size=size, sha256=sha256, file_name=name,
            ended_at=now, expires_at=now + KEPT_FOR,
        )  # fmt: skip
        if changed != 1:
            return False
        enqueue(workspace_id=workspace.id, kind=EXPIRE, ref=export_id, due_at=now + KEPT_FOR, priority=PRIORITY)
        data: dict[str, object] = {
            "export_id": export_id, "tables": tables, "rows": rows, "size": size, "sha256": sha256,
        }  # fmt: skip
        _record("workspace.exported", actor, data, now)
        return True


def fail_export(*, export_id: str, error: str, now: datetime) -> None:
    """It ends without a file, with a sentence for people."""
    WorkspaceExport.objects.filter(id=export_id, state__in=["waiting", "writing"]).update(
        state="failed", error=error, ended_at=now
    )


def _record(event: str, actor: Actor, data: dict[str, object], now: datetime) -> None:
    record_events(events=[NewEvent(type=event, actor=actor, data=data)], now=now)
