"""Starting imports and exports, and canceling an import. A worker does the work: ``ledger.files``."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any, Final

from ledger.files.errors import ExportInvalid, ImportFinished
from ledger.files.reading import check_beginning
from ledger.files.storage import TakenIn, folder_of, store
from ledger.files.stored import MOMENTS, export_record, import_record
from ledger.files.types import (
    EXPORT_FORMATS,
    EXPORT_WORK,
    IMPORT_FORMATS,
    IMPORT_WORK,
    KINDS,
    ExportFilters,
    ExportFormat,
    ExportRecord,
    FileKind,
    ImportFormat,
    ImportRecord,
)
from ledger.models import Export, Import
from ledger.queries.accounts import find_account
from ledger.queries.files import get_import
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.money import check_currency
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant

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
    enqueue(workspace_id=tenant.id, kind=IMPORT_WORK, ref=import_id, due_at=now, priority=7)
    return import_record(row)


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
    enqueue(workspace_id=tenant.id, kind=EXPORT_WORK, ref=export_id, due_at=now, priority=7)
    return export_record(row)


def _plain_name(file_name: str) -> str:
    """The last part of the uploader's name for it, printable, for people to see; nothing is ever opened by it."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in name if char.isprintable())[:200] or "file"


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
    _check_values(filters)
    if filters.account_id is None:
        return filters
    return ExportFilters(**{**given, "account_id": find_account(ref=filters.account_id).id})


def _stored(filters: ExportFilters) -> dict[str, str]:
    given = {name: value for name, value in asdict(filters).items() if value is not None}
    return {name: value.isoformat() if name in MOMENTS else value for name, value in given.items()}


def _check_values(filters: ExportFilters) -> None:
    if filters.currency is not None:
        check_currency(filters.currency)
    if filters.state not in (None, "posted", "pending", "released"):
        raise ExportInvalid(f"There is no posting in state {str(filters.state)[:20]!r}.")
    for name in ("effective_from", "effective_to", "recorded_from", "recorded_to"):
        moment: datetime | None = getattr(filters, name)
        if moment is not None and moment.tzinfo is None:
            raise ExportInvalid(f"{name} has no time zone.")
