"""Files as the tests speak of them: rows in, an import that has ended out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evidence.models import Event
from ledger import operations, queries
from ledger.files import reading
from ledger.files.tasks import advance_import, continue_export
from ledger.files.types import ExportFilters, ExportRecord, ImportRecord, ImportRefusalRecord, Item
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work

POSTING_HEADER = "external_id,effective_at,description,account,direction,amount_minor,currency"


def csv_of(*lines: str, header: str = POSTING_HEADER) -> bytes:
    """A CSV of a header and lines."""
    return "".join(f"{line}\n" for line in (header, *lines)).encode()


def jsonl_of(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Objects, one a line."""
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def posting(key: str, amount: int = 100, *, debit: str = "a", credit: str = "b", **more: Any) -> dict[str, Any]:
    """A posting of two entries in USD, as JSONL has it."""
    return {
        "external_id": key,
        "entries": [
            {"account": debit, "direction": "debit", "amount_minor": amount, "currency": "USD"},
            {"account": credit, "direction": "credit", "amount_minor": amount, "currency": "USD"},
        ],
        **more,
    }


def lines_of(key: str, amount: int | str = 100, *, debit: str = "a", credit: str = "b") -> list[str]:
    """The same as lines of a CSV."""
    return [
        f"{key},2026-01-31T12:00:00Z,moved,{debit},debit,{amount},USD",
        f"{key},,,{credit},credit,{amount},USD",
    ]


def start(
    workspace: TenantRef,
    content: bytes,
    *,
    kind: Any = "postings",
    form: Any = "csv",
    is_dry_run: bool = False,
    file_name: str = "file",
) -> ImportRecord:
    """Take a file in; a worker that is not there would import it."""
    with tenant_work(workspace):
        return operations.start_import(
            kind=kind,
            format=form,
            is_dry_run=is_dry_run,
            file_name=file_name,
            content=io.BytesIO(content),
            actor=actors.LEDGER,
            now=clock.now(),
        )


def finish(workspace: TenantRef, record: ImportRecord) -> ImportRecord:
    """Import to the end."""
    while not record.is_finished:
        record = advance_import(ws=workspace, import_id=record.id)
    return record


def run(workspace: TenantRef, content: bytes, **more: Any) -> ImportRecord:
    """Take a file in and import it to its end."""
    return finish(workspace, start(workspace, content, **more))


def refusals(workspace: TenantRef, record: ImportRecord, limit: int = 1000) -> list[ImportRefusalRecord]:
    """What was refused."""
    with tenant_work(workspace):
        return queries.list_refusals(import_id=record.id, limit=limit)


def codes(workspace: TenantRef, record: ImportRecord) -> list[tuple[int, str]]:
    """Row and code of everything that was refused."""
    return [(refusal.row_number, refusal.code) for refusal in refusals(workspace, record)]


def counts(record: ImportRecord) -> tuple[str, int, int, int, int]:
    """State, and rows read, written, repeated, refused."""
    return record.state, record.rows_read, record.rows_written, record.rows_repeated, record.rows_refused


def start_export(workspace: TenantRef, *, kind: Any = "postings", form: Any = "jsonl", **filters: Any) -> ExportRecord:
    """Ask for an export."""
    with tenant_work(workspace):
        return operations.start_export(
            kind=kind, format=form, filters=ExportFilters(**filters), actor=actors.LEDGER, now=clock.now()
        )


def finish_export(workspace: TenantRef, record: ExportRecord) -> ExportRecord:
    """Write it to its end."""
    while not record.is_finished:
        record = continue_export(ws=workspace, export_id=record.id)
    return record


def content_of(workspace: TenantRef, record: ExportRecord) -> bytes:
    """The bytes of its file."""
    with tenant_work(workspace):
        file, _name = queries.open_export(export_id=record.id)
    with file:
        return file.read()


def export(workspace: TenantRef, **more: Any) -> bytes:
    """Ask for an export, write it, read it."""
    return content_of(workspace, finish_export(workspace, start_export(workspace, **more)))


def balances_of(workspace: TenantRef) -> dict[tuple[str, str], int]:
    """Credits − debits of every account that has moved, by code and currency."""
    with tenant_work(workspace):
        accounts: Sequence[Any] = queries.list_accounts(limit=100_000)
        found = queries.list_balances(account_ids=[account.id for account in accounts])
    return {
        (each.account_code, each.currency): each.net_minor
        for each in found.values()
        if each.version or each.unsequenced
    }


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in content.splitlines()]


def events_of(workspace: TenantRef, kind: str) -> list[dict[str, Any]]:
    """The data of every event of a type."""
    with tenant_work(workspace):
        return [json.loads(bytes(row.body))["data"] for row in Event.objects.filter(type=kind).order_by("id")]


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def record_of(
    content: bytes, *, kind: Any = "postings", form: Any = "csv", read: int = 0, rows: int = 0
) -> ImportRecord:
    return ImportRecord(
        id="imp", kind=kind, format=form, is_dry_run=False, state="running", file_name="f", storage_name="", sha256="",
        size_bytes=len(content), read_bytes=read, rows_read=rows, rows_written=0, rows_repeated=0, rows_refused=0,
        problem="", created_by={}, created_at=NOW, updated_at=NOW, finished_at=None,
    )  # fmt: skip


def items_of(content: bytes, *, most_rows: int = 500, **more: Any) -> list[Item]:
    """Everything in a file, chunk by chunk, each of which starts from nothing but a byte and a row count."""
    record = record_of(content, **more)
    items: list[Item] = []
    while True:
        chunk = reading.read_chunk(io.BytesIO(content), record=record, most_rows=most_rows)
        items += chunk.items
        rows = record.rows_read + sum(item.rows for item in chunk.items)
        record = record_of(content, read=chunk.end, rows=rows, **more)
        if chunk.is_last:
            assert chunk.end == len(content)
            return items


def told(items: list[Item]) -> list[tuple[int, str]]:
    """Row and external id, or code of the refusal, of each item."""
    return [
        (
            item.refused_at or item.row_number,
            item.content.code if isinstance(item.content, DomainError) else item.content.key,
        )
        for item in items
    ]
