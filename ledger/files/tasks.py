"""The worker's side of imports and exports: a few chunks at a time, each a unit of work of its own."""

import time
from datetime import timedelta
from typing import Final

from ledger.files.errors import ExportNotFound, ImportMoved, ImportNotFound, ImportUnreadable
from ledger.files.exports import ExportMoved, advance_export
from ledger.files.imports import begin_import, check_stored, fail_import, write_chunk
from ledger.files.reading import read_chunk
from ledger.files.storage import open_stored, sha256_of
from ledger.files.types import EXPORT_WORK, IMPORT_WORK, ExportRecord, ImportRecord
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.queue import Defer, WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials import of_this_workspace
from zentra.tenants.denials.operations import record_denial
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import may_still

SECONDS_AT_A_TIME: Final = 15.0
"""Well within the lease of a work item; what is left is done under the next one."""


@handles(IMPORT_WORK)
@of_this_workspace(ImportNotFound)
def run_import(item: WorkItem, ws: TenantRef) -> None:
    """Import for a while, then let others work; a second worker at the same import waits until the first is gone."""
    try:
        record = advance_import(ws=ws, import_id=item.ref)
    except ImportMoved as error:
        raise Defer(clock.now() + timedelta(seconds=2), error.detail) from error
    if not record.is_finished:
        raise Defer(clock.now(), f"{record.percent} % read")


@handles(EXPORT_WORK)
@of_this_workspace(ExportNotFound)
def run_export(item: WorkItem, ws: TenantRef) -> None:
    """Export for a while, then let others work."""
    try:
        record = continue_export(ws=ws, export_id=item.ref)
    except ExportMoved as error:
        raise Defer(clock.now() + timedelta(seconds=2), str(error)) from error
    if not record.is_finished:
        raise Defer(clock.now(), f"{record.rows_written} rows written")


def advance_import(*, ws: TenantRef, import_id: str, seconds: float = SECONDS_AT_A_TIME) -> ImportRecord:
    """Write the next chunks of an import, for about so long; the import after them.

    Raises ImportMoved when another worker is at it, LedgerBusy.
    """
    deadline = time.monotonic() + seconds
    with tenant_work(ws):
        record = begin_import(import_id=import_id, now=clock.now())
    if record.is_finished:
        return record
    try:
        with open_stored(record.storage_name, workspace=ws) as source:
            check_stored(record=record, sha256=sha256_of(source))
            while True:
                if not may_still(workspace=ws, asked_by=record.created_by, permission=Permission.LEDGER_IMPORT):
                    return _refuse(ws, record)
                chunk = read_chunk(source, record=record)
                with tenant_work(ws):
                    record = write_chunk(chunk=chunk, now=clock.now())
                if record.is_finished or time.monotonic() > deadline:
                    return record
    except ImportUnreadable as problem:
        with tenant_work(ws):
            return fail_import(import_id=import_id, problem=problem.detail, now=clock.now())


def _refuse(ws: TenantRef, record: ImportRecord) -> ImportRecord:
    moment = clock.now()
    record_denial(
        actor=Actor(**record.created_by), action=Permission.LEDGER_IMPORT, reason="permission", surface="task",
        target=ws, home=ws, now=moment,
    )  # fmt: skip
    with tenant_work(ws):
        return fail_import(import_id=record.id, problem="Whoever started it may not import any more.", now=moment)


def continue_export(*, ws: TenantRef, export_id: str, seconds: float = SECONDS_AT_A_TIME) -> ExportRecord:
    """Write the next parts of an export, for about so long; the export after them. Raises ExportMoved."""
    return advance_export(ws=ws, export_id=export_id, until=time.monotonic() + seconds)
