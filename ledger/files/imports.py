"""Imports: a file written chunk by chunk.

A chunk is one transaction that writes its rows and moves the import's own counters on. Whatever is killed between two
chunks goes on after the last one that committed, and no row is written twice.
"""

from datetime import datetime

from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.files.errors import ImportMoved, ImportUnreadable
from ledger.files.stored import import_record
from ledger.files.types import Chunk, ImportRecord
from ledger.files.writing import Outcome, write_items
from ledger.models import Import, ImportRefusal
from ledger.queries.files import get_import
from zentra.core import telemetry
from zentra.core.actors import LEDGER


def begin_import(*, import_id: str, now: datetime) -> ImportRecord:
    """Mark a queued import as running; the import as it stands. Raises ImportNotFound."""
    Import.objects.filter(id=import_id, state="queued").update(state="running", updated_at=now)
    return get_import(import_id=import_id)


def fail_import(*, import_id: str, problem: str, now: datetime) -> ImportRecord:
    """End an import whose file cannot be read any more; what was written stands."""
    Import.objects.filter(id=import_id, state__in=("queued", "running")).update(
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
        return import_record(row)
    if row.read_bytes != chunk.start:
        raise ImportMoved(f"{chunk.import_id} is at byte {row.read_bytes} already.", import_id=chunk.import_id)
    record = import_record(row)
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
    return import_record(row)


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
