"""Exports: asking for one, writing it part by part, and reading it.

An export holds what was recorded before it was asked for, in the order of (recorded_at, id). It goes on after its last
part whenever its writer is killed. At the end its rows are counted against the ledger: when something that was recorded
before was committed only after its place had passed, the file is written anew.
"""

import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO, Final

from django.db.models import Q

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.files import parts, selecting
from ledger.files.errors import ExportInvalid, ExportNotFound, ExportNotReady
from ledger.files.storage import discard, folder_of, open_stored, store
from ledger.files.types import EXPORT_FORMATS, KINDS, ExportFilters, ExportFormat, ExportRecord, FileKind
from ledger.models import Export
from ledger.queries.accounts import find_account
from zentra.core import clock, ids, telemetry
from zentra.core.actors import EVIDENCE, Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work

WORK: Final = "ledger.export"
_MOMENTS: Final = ("effective_from", "effective_to", "recorded_from", "recorded_to")


class ExportMoved(Exception):
    """Another worker is at this export; what we wrote last was thrown away."""


def start_export(
    *,
    kind: FileKind,
    format: ExportFormat,  # noqa: A002  # the column's own name
    filters: ExportFilters,
    actor: Actor,
    now: datetime,
) -> ExportRecord:
    """Ask for a file of the ledger as it stands now; a worker writes it. ``account_id`` may be a code too.

    Raises ExportInvalid, UnknownAccount, UnknownCurrency, BadId.
    """
    kept = _checked(kind, format, filters)
    tenant = current_tenant()
    export_id = ids.new_id("exp")
    row = Export.objects.create(
        id=export_id,
        kind=kind,
        format=format,
        filters=_stored(kept),
        state="queued",
        created_by=actor.as_dict(),
        created_at=now,
    )
    enqueue(workspace_id=tenant.id, kind=WORK, ref=export_id, due_at=now, priority=7)
    return _record(row)


def get_export(*, export_id: str) -> ExportRecord:
    """An export and how far it is; raises ExportNotFound, BadId."""
    ids.to_uuid(export_id, prefix="exp")
    row = Export.objects.filter(id=export_id).first()
    if row is None:
        raise ExportNotFound(f"There is no export {export_id}.", export_id=export_id)
    return _record(row)


def list_exports(*, limit: int, before: tuple[datetime, str] | None = None) -> list[ExportRecord]:
    """Exports, newest first. ``before`` is (created_at, id) of the last one seen."""
    rows = Export.objects.order_by("-created_at", "-id")
    if before is not None:
        moment, last = before
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=last))
    return [_record(row) for row in rows[:limit]]


def open_export(*, export_id: str) -> tuple[BinaryIO, str]:
    """The finished file, to be read piece by piece and closed by the caller, and the name to save it under.

    Raises ExportNotFound, ExportNotReady, BadId.
    """
    record = get_export(export_id=export_id)
    if record.state != "done":
        raise ExportNotReady(f"{export_id} is {record.state}.", export_id=export_id, state=record.state)
    return open_stored(record.storage_name, workspace=current_tenant()), record.file_name


def advance_export(*, ws: TenantRef, export_id: str, until: float) -> ExportRecord:
    """Write the next parts until the monotonic clock says ``until``; the export after them.

    Opens a unit of work for each part. Raises ExportNotFound, ExportMoved.
    """
    with tenant_work(ws):
        Export.objects.filter(id=export_id, state="queued").update(state="running")
        record = get_export(export_id=export_id)
    while not record.is_finished:
        with tenant_work(ws):
            page = selecting.read_page(record, after=_after(record))
        record = _take_up(ws, record, page) if page.rows else _finish(ws, record)
        if time.monotonic() > until:
            break
    return record


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
    parts.discard_parts(folder)
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


def _checked(kind: FileKind, form: ExportFormat, filters: ExportFilters) -> ExportFilters:
    if kind not in KINDS or form not in EXPORT_FORMATS:
        raise ExportInvalid(f"There are no exports of {str(kind)[:20]!r} as {str(form)[:20]!r}.")
    if kind == "accounts" and form == "beancount":
        raise ExportInvalid("Beancount text is of postings; it opens their accounts itself.")
    given: Mapping[str, Any] = {name: value for name, value in asdict(filters).items() if value is not None}
    unfit = sorted(set(given) - {"currency"}) if kind == "accounts" else []
    if unfit:
        raise ExportInvalid(f"An export of accounts is not narrowed by {', '.join(unfit)}.", filters=unfit)
    for basis in ("effective", "recorded"):
        start, end = given.get(f"{basis}_from"), given.get(f"{basis}_to")
        if start is not None and end is not None and end <= start:
            raise ExportInvalid(f"{basis}_to is not after {basis}_from.")
    selecting.check_values(filters)
    if filters.account_id is None:
        return filters
    return ExportFilters(**{**given, "account_id": find_account(ref=filters.account_id).id})


def _stored(filters: ExportFilters) -> dict[str, str]:
    given = {name: value for name, value in asdict(filters).items() if value is not None}
    return {name: value.isoformat() if name in _MOMENTS else value for name, value in given.items()}


def _record(row: Export) -> ExportRecord:
    facts: dict[str, Any] = {name: getattr(row, name) for name in ExportRecord.__dataclass_fields__}
    words: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in _MOMENTS else value for name, value in row.filters.items()
    }
    sha256 = None if row.sha256 is None else bytes(row.sha256).hex()
    return ExportRecord(**{**facts, "sha256": sha256, "filters": ExportFilters(**words)})


__all__: Sequence[str] = (
    "ExportMoved", "advance_export", "get_export", "list_exports", "open_export", "start_export",
)  # fmt: skip
