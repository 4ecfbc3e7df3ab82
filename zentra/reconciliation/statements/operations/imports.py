"""Starting and canceling imports of statements. A worker does the work: ``statements.tasks``."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import IO, Any, Final

from django.db import IntegrityError, transaction

from zentra.core import ids
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements.errors import (
    AccountInvalid,
    ImportFinished,
    ImportNotFound,
    MappingMissing,
    StatementFileEmpty,
    StatementFileKnown,
)
from zentra.reconciliation.statements.formats.mapping import CsvMapping
from zentra.reconciliation.statements.models import StatementImport
from zentra.reconciliation.statements.queries.accounts import get_reconciled_account
from zentra.reconciliation.statements.records import import_record
from zentra.reconciliation.statements.storage import TakenIn, store
from zentra.reconciliation.statements.types import (
    IMPORT_WORK,
    NAMES_ITS_ACCOUNTS,
    STATEMENT_FORMATS,
    ImportRecord,
    StatementFormat,
)
from zentra.reconciliation.statements.writing import end_unfinished

_OPEN: Final = ("queued", "running")
_SUFFIXES: Final[dict[StatementFormat, str]] = {
    "camt053": "xml", "mt940": "sta", "bai2": "bai2", "csv": "csv", "settlement": "csv"
}  # fmt: skip


def start_import(
    *,
    account_id: str | None,
    format: StatementFormat,  # noqa: A002  # the column's own name
    mapping: Mapping[str, Any] | None = None,
    is_dry_run: bool,
    file_name: str,
    content: IO[bytes],
    actor: Actor,
    now: datetime,
    collected: tuple[str, str] = ("", ""),
) -> ImportRecord:
    """Take a file in and have a worker import it. ``content`` is read from where it stands to its end.

    Files of camt.053, MT940 and BAI2 name their accounts: without ``account_id`` each statement goes to the account of
    its IBAN or number. A CSV file is read by ``mapping``, else by its account's. Of a dry run everything is checked
    against what is here, counted, and nothing is written. ``collected`` is for our own collector alone, which fetched
    the file from the rail or bank itself: from where, and as what it was announced there; a rail's payout is posted to
    the ledger with such a report, and with no other; that somebody sent the very same keeps none of them out.

    Raises AccountNotFound, AccountInvalid, MappingMissing, MappingInvalid, StatementFileTooLarge, StatementFileEmpty,
    StatementFileKnown, BadId; of those nothing is kept.
    """
    if format not in STATEMENT_FORMATS:
        raise ValueError(f"There are no imports of {format}.")
    if collected[0] and actor != RECONCILIATION:
        raise ValueError("Only our own collector says where it fetched a file.")
    kept_mapping = _checked(account_id, format, mapping)
    tenant, import_id = current_tenant(), ids.new_id("sti")
    with closing(TakenIn(content)) as taken:
        if not taken.size:
            raise StatementFileEmpty("The file is empty.")
        if not is_dry_run:
            _refuse_known(taken.sha256, format, account_id, collected[0])
        name = store(taken.file, workspace=tenant, name=f"{import_id}.{_SUFFIXES[format]}")
        try:
            with transaction.atomic():
                row = StatementImport.objects.create(
                    id=import_id,
                    account_id=account_id,
                    format=format,
                    is_dry_run=is_dry_run,
                    state="queued",
                    file_name=_plain_name(file_name),
                    storage_name=name,
                    sha256=taken.sha256,
                    size_bytes=taken.size,
                    mapping=kept_mapping,
                    created_by=actor.as_dict(),
                    created_at=now,
                    updated_at=now,
                    collected_from=collected[0],
                    collected_as=collected[1],
                )
        except IntegrityError:  # somebody sent the same file at the same moment
            _refuse_known(taken.sha256, format, account_id, collected[0])
            raise
    enqueue(workspace_id=tenant.id, kind=IMPORT_WORK, ref=import_id, due_at=now, priority=7)
    return import_record(row)


def cancel_import(*, import_id: str, now: datetime) -> ImportRecord:
    """Stop an import after the chunk that is being written. Complete statements stand, a begun one is taken away.

    Raises ImportNotFound, ImportFinished, BadId.
    """
    ids.to_uuid(import_id, prefix="sti")
    row = StatementImport.objects.select_for_update().filter(id=import_id).first()
    if row is None:
        raise ImportNotFound(f"There is no import {import_id}.", import_id=import_id)
    if row.state not in _OPEN:
        raise ImportFinished(f"{import_id} is {row.state}.", import_id=import_id, state=row.state)
    end_unfinished(row)
    row.state, row.updated_at, row.finished_at = "canceled", now, now
    row.save()
    return import_record(row)


def _checked(account_id: str | None, form: StatementFormat, mapping: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if account_id is None:
        if form not in NAMES_ITS_ACCOUNTS:
            raise AccountInvalid(f"A {form} file names no account; say which one it is of.", field="account_id")
        return None
    account = get_reconciled_account(account_id=account_id)
    if not account.is_open:
        raise AccountInvalid(f"{account.name} is closed.", field="account_id")
    if form == "settlement" and account.kind != "rail":
        raise AccountInvalid("A settlement report is of a rail's account.", field="account_id")
    if form != "csv":
        return None
    chosen = mapping if mapping is not None else account.mapping
    if chosen is None:
        detail = f"{account.name} has no mapping yet: keep one on the account, or send one with the file."
        raise MappingMissing(detail, account_id=account_id)
    return CsvMapping.read(chosen).as_dict()


def _refuse_known(sha256: bytes, form: StatementFormat, account_id: str | None, collected_from: str) -> None:
    """Refuse what is here. What our collector fetches is refused for what it fetched there itself, and for no more."""
    same = StatementImport.objects.filter(sha256=sha256, format=form, account_id=account_id)
    if collected_from:
        same = same.filter(collected_from=collected_from)
    known = same.filter(is_dry_run=False, state__in=(*_OPEN, "done")).first()
    if known is not None:
        detail = f"This very file was imported before, as {known.id}, which is {known.state}."
        raise StatementFileKnown(detail, import_id=known.id, state=known.state)


def _plain_name(file_name: str) -> str:
    """The last part of the uploader's name for it, printable, for people to see; nothing is ever opened by it."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(char for char in name if char.isprintable())[:200]
    return "file" if plain in ("", ".", "..") else plain
