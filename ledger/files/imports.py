"""Imports: taking a file in, writing it chunk by chunk, and what people see of it.

A chunk is one transaction that writes its rows and moves the import's own counters on. Whatever is killed between two
chunks goes on after the last one that committed, and no row is written twice.
"""

from datetime import datetime
from typing import IO, Any, Final

from django.db import transaction
from django.db.models import Q

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.files.errors import ImportFinished, ImportMoved, ImportNotFound, ImportUnreadable
from ledger.files.reading import check_beginning
from ledger.files.storage import TakenIn, folder_of, store
from ledger.files.types import (
    IMPORT_FORMATS,
    KINDS,
    Chunk,
    FileKind,
    ImportFormat,
    ImportRecord,
    ImportRefusalRecord,
)
from ledger.files.writing import Outcome, write_items
from ledger.models import Import, ImportRefusal
from zentra.core import ids, telemetry
from zentra.core.actors import LEDGER, Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant

WORK: Final = "ledger.import"
_OPEN: Final = ("queued", "running")


def start_import(
    *,
    kind: FileKind,
    format: ImportFormat,  # noqa: A002  # the column's own name
    is_dry_run: bool,
    file_name: str,
    content: IO[bytes],
    actor: Actor,
    now: datetime,
) -> ImportRecord:
    """Take a file in and have a worker import it. ``content`` is read from where it stands to its end.

    Of a dry run everything is checked against the ledger as it is, counted, and nothing is written. Raises
    ImportTooLarge, ImportEmpty, ImportNotUtf8, ImportHeaderInvalid; of those nothing is kept.
    """
    if kind not in KINDS or format not in IMPORT_FORMATS:
        raise ValueError(f"There are no {format} imports of {kind}.")
    tenant = current_tenant()
    import_id = ids.new_id("imp")
    taken = TakenIn(content)
    try:
        check_beginning(taken.file, kind=kind, form=format)
        name = store(taken.file, name=f"{folder_of(tenant)}/imports/{import_id}.{format}")
    finally:
        taken.close()
    row = Import.objects.create(
        id=import_id,
        kind=kind,
        format=format,
        is_dry_run=is_dry_run,
        state="queued",
        file_name=_plain_name(file_name),
        storage_name=name,
        sha256=taken.sha256,
        size_bytes=taken.size,
        created_by=actor.as_dict(),
        created_at=now,
        updated_at=now,
    )
    enqueue(workspace_id=tenant.id, kind=WORK, ref=import_id, due_at=now, priority=7)
    return _record(row)


def cancel_import(*, import_id: str, now: datetime) -> ImportRecord:
    """Stop an import after the chunk that is being written; what was written stands.

    Raises ImportNotFound, ImportFinished, BadId.
    """
    ids.to_uuid(import_id, prefix="imp")
    changed = Import.objects.filter(id=import_id, state__in=_OPEN).update(
        state="canceled", updated_at=now, finished_at=now
    )
    record = get_import(import_id=import_id)
    if changed != 1:
        raise ImportFinished(f"{import_id} is {record.state}.", import_id=import_id, state=record.state)
    return record


def get_import(*, import_id: str) -> ImportRecord:
    """An import and how far it is; raises ImportNotFound, BadId."""
    ids.to_uuid(import_id, prefix="imp")
    row = Import.objects.filter(id=import_id).first()
    if row is None:
        raise ImportNotFound(f"There is no import {import_id}.", import_id=import_id)
    return _record(row)


def list_imports(*, limit: int, before: tuple[datetime, str] | None = None) -> list[ImportRecord]:
    """Imports, newest first. ``before`` is (created_at, id) of the last one seen."""
    rows = Import.objects.order_by("-created_at", "-id")
    if before is not None:
        moment, last = before
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=last))
    return [_record(row) for row in rows[:limit]]


def list_refusals(*, import_id: str, limit: int, after_row: int = 0) -> list[ImportRefusalRecord]:
    """The refused rows of an import in the order of the file, those after row ``after_row``; raises ImportNotFound."""
    get_import(import_id=import_id)
    rows = ImportRefusal.objects.filter(import_id=import_id, row_number__gt=after_row).order_by("row_number")
    return [ImportRefusalRecord(row.row_number, row.code, row.detail, row.extra) for row in rows[:limit]]


def begin_import(*, import_id: str, now: datetime) -> ImportRecord:
    """Mark a queued import as running; the import as it stands. Raises ImportNotFound."""
    Import.objects.filter(id=import_id, state="queued").update(state="running", updated_at=now)
    return get_import(import_id=import_id)


def fail_import(*, import_id: str, problem: str, now: datetime) -> ImportRecord:
    """End an import whose file cannot be read any more; what was written stands."""
    Import.objects.filter(id=import_id, state__in=_OPEN).update(
        state="failed", problem=problem, updated_at=now, finished_at=now
    )
    return get_import(import_id=import_id)


def write_chunk(*, chunk: Chunk, now: datetime) -> ImportRecord:
    """Write a chunk and move its import on, in the caller's transaction; a dry run writes only what it found.

    An import that was canceled meanwhile is given back as it is. Raises ImportMoved when another worker has it or took
    this chunk first, and LedgerBusy: in both cases nothing was written.
    """
    row = Import.objects.select_for_update(skip_locked=True).filter(id=chunk.import_id).first()
    if row is None:
        raise ImportMoved(f"Another worker is at {chunk.import_id}.", import_id=chunk.import_id)
    if row.state != "running":
        return _record(row)
    if row.read_bytes != chunk.start:
        raise ImportMoved(f"{chunk.import_id} is at byte {row.read_bytes} already.", import_id=chunk.import_id)
    record = _record(row)
    outcome = _rehearse(chunk, record, now) if record.is_dry_run else write_items(
        items=chunk.items, record=record, now=now
    )  # fmt: skip
    _keep_refusals(record, outcome)
    row.read_bytes = chunk.end
    row.rows_read += sum(item.rows for item in chunk.items)
    row.rows_written += outcome.rows_written
    row.rows_repeated += outcome.rows_repeated
    row.rows_refused += outcome.rows_refused
    row.updated_at = now
    if chunk.is_last:
        row.state, row.finished_at = "done", now
    row.save()
    if chunk.is_last and not row.is_dry_run:
        record_events(events=[_completed(row)], now=now)
    return _record(row)


def check_stored(*, record: ImportRecord, sha256: str) -> None:
    """Whether the stored file is the one that was uploaded; raises ImportUnreadable."""
    if sha256 != record.sha256:
        raise ImportUnreadable(
            "The stored file is not the one that was uploaded.", sha256=record.sha256, found_sha256=sha256
        )


def _rehearse(chunk: Chunk, record: ImportRecord, now: datetime) -> Outcome:
    with transaction.atomic():
        outcome = write_items(items=chunk.items, record=record, now=now)
        transaction.set_rollback(True)
    return outcome


def _keep_refusals(record: ImportRecord, outcome: Outcome) -> None:
    ImportRefusal.objects.bulk_create(
        ImportRefusal(
            import_id=record.id,
            row_number=refusal.row_number,
            code=refusal.code,
            detail=refusal.detail[:1000],
            extra=refusal.extra,
        )
        for refusal in outcome.refusals
    )


def _completed(row: Import) -> NewEvent:
    """Ids and counts: the rows are told by the events of what they wrote."""
    facts: dict[str, object] = {
        "import_id": row.id,
        "kind": row.kind,
        "format": row.format,
        "rows_read": row.rows_read,
        "rows_written": row.rows_written,
        "rows_repeated": row.rows_repeated,
        "rows_refused": row.rows_refused,
        "sha256": bytes(row.sha256).hex(),
        "started_by": row.created_by["id"],
    }
    return NewEvent("ledger.import.completed", LEDGER, facts, trace_id=telemetry.trace_id())


def _plain_name(file_name: str) -> str:
    """The last part of the uploader's name for it, printable, for people to see; nothing is ever opened by it."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in name if char.isprintable())[:200] or "file"


def _record(row: Import) -> ImportRecord:
    facts: dict[str, Any] = {name: getattr(row, name) for name in ImportRecord.__dataclass_fields__}
    return ImportRecord(**{**facts, "sha256": bytes(row.sha256).hex()})
