"""Exports: a file of the ledger, written part by part.

An export holds what was recorded before it was asked for, in the order of (recorded_at, id). It goes on after its last
part whenever its writer is killed. At the end its rows are counted against the ledger: when something that was recorded
before was committed only after its place had passed, the file is written anew.
"""

import hashlib
import tempfile
import time
from typing import Any, Final

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.files import parts, selecting
from ledger.files.storage import discard, folder_of, store
from ledger.files.types import ExportRecord
from ledger.models import Export
from ledger.queries.files import get_export
from zentra.core import clock, telemetry
from zentra.core.actors import EVIDENCE, Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.denials.operations import record_denial
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import may_still

NOT_ANY_MORE: Final = "Whoever asked for it may not export any more."


class ExportMoved(Exception):
    """Another worker is at this export; what we wrote last was thrown away."""


def advance_export(*, ws: TenantRef, export_id: str, until: float) -> ExportRecord:
    """Write the next parts until the monotonic clock says ``until``; the export after them.

    Opens a unit of work for each part, and looks before each whether whoever asked for it still may.
    Raises ExportNotFound, ExportMoved.
    """
    with tenant_work(ws):
        Export.objects.filter(id=export_id, state="queued").update(state="running")
        record = get_export(export_id=export_id)
    while not record.is_finished:
        if not may_still(workspace=ws, asked_by=record.created_by, permission=Permission.LEDGER_EXPORT):
            return _refuse(ws, record)
        with tenant_work(ws):
            page = selecting.read_page(record, after=_after(record))
        record = _take_up(ws, record, page) if page.rows else _finish(ws, record)
        if time.monotonic() > until:
            break
    return record


def _refuse(ws: TenantRef, record: ExportRecord) -> ExportRecord:
    """End an export whose asker may not export any more, and throw away what was written."""
    moment = clock.now()
    with tenant_work(ws):
        if not _compare_and_set(record, state="failed", finished_at=moment, problem=NOT_ANY_MORE, storage_name=""):
            raise ExportMoved(f"Another worker is at {record.id}.")
    parts.discard_others(_folder(ws, record), kept="")
    record_denial(
        actor=Actor(**record.created_by), action=Permission.LEDGER_EXPORT, reason="permission", surface="task",
        target=ws, home=ws, now=moment,
    )  # fmt: skip
    with tenant_work(ws):
        return get_export(export_id=record.id)


def _after(record: ExportRecord) -> parts.Cursor | None:
    last = parts.part_of(record.storage_name)
    return None if last is None else last.last


def _folder(ws: TenantRef, record: ExportRecord) -> str:
    return f"{folder_of(ws)}/exports/{record.id}"


def _take_up(ws: TenantRef, record: ExportRecord, page: selecting.Page) -> ExportRecord:
    """Keep a part and move the export on to it, unless somebody else did."""
    part = parts.next_part(parts.part_of(record.storage_name), last=page.last)
    with tempfile.TemporaryFile() as file:
        file.write(page.content)
        name = store(file, name=f"{_folder(ws, record)}/{part.name}")
    written = record.rows_written + page.rows
    if not _move(ws, record, storage_name=name, rows_written=written):
        discard(name)
        raise ExportMoved(f"Another worker is at {record.id}.")
    with tenant_work(ws):
        return get_export(export_id=record.id)


def _finish(ws: TenantRef, record: ExportRecord) -> ExportRecord:
    """Put the parts together, or begin anew when the ledger has come to hold more of what was asked for."""
    with tenant_work(ws):
        total = selecting.count_rows(record)
        beginning = b"" if record.storage_name else selecting.beginning(record)
    if total != record.rows_written:
        return _begin_anew(ws, record)
    folder = _folder(ws, record)
    last = parts.part_of(record.storage_name)
    with tempfile.TemporaryFile() as file:
        try:
            file.write(beginning)
            parts.copy_into(file, [] if last is None else parts.chain_to(last, folder=folder))
        except FileNotFoundError:
            return _begin_anew(ws, record)
        size = file.tell()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").digest()
        name = store(file, name=f"{folder}/{record.file_name}")
    facts = {"storage_name": name, "sha256": sha256, "size_bytes": size, "rows_total": total}
    with tenant_work(ws):
        moment = clock.now()
        if not _compare_and_set(record, state="done", finished_at=moment, **facts):
            discard(name)
            raise ExportMoved(f"Another worker finished {record.id}.")
        record_events(events=[_ready(record, total, sha256, size)], now=moment)
    parts.discard_others(folder, kept=name)
    with tenant_work(ws):
        return get_export(export_id=record.id)


def _begin_anew(ws: TenantRef, record: ExportRecord) -> ExportRecord:
    if not _move(ws, record, storage_name="", rows_written=0):
        raise ExportMoved(f"Another worker is at {record.id}.")
    with tenant_work(ws):
        return get_export(export_id=record.id)


def _move(ws: TenantRef, record: ExportRecord, *, storage_name: str, rows_written: int) -> bool:
    with tenant_work(ws):
        return _compare_and_set(record, storage_name=storage_name, rows_written=rows_written)


def _compare_and_set(record: ExportRecord, **changes: Any) -> bool:
    """Change the export, if it still is where we left it."""
    rows = Export.objects.filter(id=record.id, state="running", storage_name=record.storage_name)
    return rows.update(**changes) == 1


def _ready(record: ExportRecord, rows: int, sha256: bytes, size: int) -> NewEvent:
    facts: dict[str, object] = {
        "export_id": record.id,
        "kind": record.kind,
        "format": record.format,
        "rows": rows,
        "sha256": sha256.hex(),
        "size_bytes": size,
        "started_by": record.created_by["id"],
    }
    return NewEvent("ledger.export.ready", EVIDENCE, facts, trace_id=telemetry.trace_id())
