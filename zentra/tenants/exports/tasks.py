"""Exports are written, and their files go, in the background."""

from datetime import timedelta

from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles
from zentra.core.tenancy import TenantRef
from zentra.tenants.denials.tasks import of_this_workspace
from zentra.tenants.exports.errors import WorkspaceExportNotFound
from zentra.tenants.exports.operations import EXPIRE, WRITE, expire_export
from zentra.tenants.exports.writing import HeldByAnother, write_export


@handles(WRITE)
@of_this_workspace(WorkspaceExportNotFound)
def write(item: WorkItem, ws: TenantRef) -> None:
    """Write the export that the item names."""
    try:
        write_export(workspace=ws, export_id=item.ref, item_id=item.id)
    except HeldByAnother as another:
        raise Defer(now() + timedelta(seconds=30), "another worker writes it") from another


@handles(EXPIRE)
@of_this_workspace(WorkspaceExportNotFound)
def expire(item: WorkItem, ws: TenantRef) -> None:
    """Remove the file that the item names."""
    expire_export(workspace=ws, export_id=item.ref)
