"""Imports and exports: how far they are, what was refused, and the file of an export."""

from datetime import datetime
from typing import BinaryIO

from django.db.models import Q

from ledger.files.errors import ExportNotFound, ExportNotReady, ImportNotFound
from ledger.files.storage import open_stored
from ledger.files.stored import export_record, import_record
from ledger.files.types import ExportRecord, ImportRecord, ImportRefusalRecord
from ledger.models import Export, Import, ImportRefusal
from zentra.core import ids
from zentra.core.tenancy import current_tenant


def get_import(*, import_id: str) -> ImportRecord:
    """An import and how far it is; raises ImportNotFound, BadId."""
    ids.to_uuid(import_id, prefix="imp")
    row = Import.objects.filter(id=import_id).first()
    if row is None:
        raise ImportNotFound(f"There is no import {import_id}.", import_id=import_id)
    return import_record(row)


def list_imports(*, limit: int, before: tuple[datetime, str] | None = None) -> list[ImportRecord]:
    """Imports, newest first. ``before`` is (created_at, id) of the last one seen."""
    rows = Import.objects.order_by("-created_at", "-id")
    if before is not None:
        moment, last = before
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=last))
    return [import_record(row) for row in rows[:limit]]


def list_refusals(*, import_id: str, limit: int, after_row: int = 0) -> list[ImportRefusalRecord]:
    """The refused rows of an import in the order of the file, those after row ``after_row``; raises ImportNotFound."""
    get_import(import_id=import_id)
    rows = ImportRefusal.objects.filter(import_id=import_id, row_number__gt=after_row).order_by("row_number")
    return [ImportRefusalRecord(row.row_number, row.code, row.detail, row.extra) for row in rows[:limit]]


def get_export(*, export_id: str) -> ExportRecord:
    """An export and how far it is; raises ExportNotFound, BadId."""
    ids.to_uuid(export_id, prefix="exp")
    row = Export.objects.filter(id=export_id).first()
    if row is None:
        raise ExportNotFound(f"There is no export {export_id}.", export_id=export_id)
    return export_record(row)


def list_exports(*, limit: int, before: tuple[datetime, str] | None = None) -> list[ExportRecord]:
    """Exports, newest first. ``before`` is (created_at, id) of the last one seen."""
    rows = Export.objects.order_by("-created_at", "-id")
    if before is not None:
        moment, last = before
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=last))
    return [export_record(row) for row in rows[:limit]]


def open_export(*, export_id: str) -> tuple[BinaryIO, str]:
    """The finished file, to be read piece by piece and closed by the caller, and the name to save it under.

    Raises ExportNotFound, ExportNotReady, BadId.
    """
    record = get_export(export_id=export_id)
    if record.state != "done":
        raise ExportNotReady(f"{export_id} is {record.state}.", export_id=export_id, state=record.state)
    return open_stored(record.storage_name, workspace=current_tenant()), record.file_name
