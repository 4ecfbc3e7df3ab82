"""All of one exception: both sides of it, what was said, proposed, disputed and done."""

import hashlib
from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db import connection

from zentra.core import actors, ids
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.matching.desk import store
from zentra.reconciliation.matching.desk.errors import NoSuchException, NoteFileDamaged
from zentra.reconciliation.matching.desk.types import (
    EntryFacts,
    ExceptionCase,
    ExceptionRecord,
    ExpectedFacts,
    LineFacts,
    NoteRecord,
    StepRecord,
)


def read_case(*, exception_id: str, now: datetime) -> ExceptionCase:
    """An exception with its line, entry and expected money, notes, adjustments, disputes and steps.

    Raises NoSuchException.
    """
    found = store.get(exception_id, now=now)
    key = store.key_of(found.id)
    return ExceptionCase(
        exception=found,
        line=_line(found.line_id),
        entry=_entry(found.entry_id),
        expected=_expected(found.expected_id),
        notes=tuple(_notes(found.id)),
        adjustments=tuple(store.adjustments("WHERE exception_id = %s ORDER BY proposed_at, id", [key])),
        disputes=tuple(store.disputes("WHERE exception_id = %s ORDER BY made_at, id", [key])),
        steps=_steps(found),
    )


def read_note_file(*, exception_id: str, note_id: str) -> tuple[NoteRecord, bytes]:
    """A file of an exception with its bytes, at most 10 MiB; raises NoSuchException, NoteFileDamaged."""
    note = next((each for each in _notes(exception_id) if each.id == note_id and each.file_name), None)
    if note is None:
        raise NoSuchException("There is no such file at this exception.")
    [(stored_as,)] = _rows(
        "SELECT storage_name FROM recon_exception_note WHERE id = %s", [ids.to_uuid(note_id, prefix="nte")]
    )
    if not str(stored_as).startswith(f"{current_tenant().schema}/exceptions/"):
        raise NoteFileDamaged("The file is not one of this workspace.")
    try:
        with default_storage.open(str(stored_as), "rb") as stored:
            content = bytes(stored.read())
    except OSError as error:
        raise NoteFileDamaged("The stored file is not there any more.") from error
    if hashlib.sha256(content).hexdigest() != note.sha256:
        raise NoteFileDamaged("The stored bytes are not those that were put to it.")
    return note, content


def _notes(exception_id: str) -> list[NoteRecord]:
    rows = _rows(
        "SELECT id, text, file_name, content_type, sha256, size_bytes, made_by, made_at FROM recon_exception_note"
        " WHERE exception_id = %s ORDER BY made_at, id",
        [store.key_of(exception_id)],
    )
    return [
        NoteRecord(
            ids.to_public("nte", key), exception_id, text, file_name, content_type,
            bytes(digest).hex() if digest is not None else "", size or 0, store.as_json(by), at,
        )
        for key, text, file_name, content_type, digest, size, by, at in rows
    ]  # fmt: skip


def _line(line_id: str | None) -> LineFacts | None:
    if line_id is None:
        return None
    rows = _rows(
        "SELECT statement_id, number, booked_on, value_on, amount_minor, gross_minor, fee_minor, currency, kind,"
        ' reference, "references", batch, counterparty, description, is_reversal FROM recon_line WHERE id = %s',
        [ids.to_uuid(line_id, prefix="lin")],
    )
    for statement, *rest in rows:
        rest[9] = store.as_json(rest[9])
        return LineFacts(line_id, ids.to_public("stm", statement), *rest)
    return None


def _entry(entry_id: str | None) -> EntryFacts | None:
    if entry_id is None:
        return None
    rows = _rows(
        "SELECT posting_id, intent_id, purpose, amount_minor, currency, effective_on, recorded_at, reference,"
        ' "references", batch FROM recon_entry WHERE entry_id = %s',
        [ids.to_uuid(entry_id, prefix="entry")],
    )
    for posting, *rest in rows:
        rest[7] = store.as_json(rest[7])
        return EntryFacts(entry_id, ids.to_public("posting", posting), *rest)
    return None


def _expected(expected_id: str | None) -> ExpectedFacts | None:
    if expected_id is None:
        return None
    rows = _rows(
        "SELECT source, reference, amount_minor, gross_minor, fee_minor, currency, due_on, state FROM recon_expected"
        " WHERE id = %s",
        [ids.to_uuid(expected_id, prefix="exd")],
    )
    return ExpectedFacts(expected_id, *rows[0]) if rows else None


def _steps(found: ExceptionRecord) -> tuple[StepRecord, ...]:
    """From its opening to its end; what ended it beside the desk (a match, a cause that is gone) is its last step."""
    opened = StepRecord("opened", actors.RECONCILIATION.as_dict(), found.opened_at, "", found.kind, "")
    rows = _rows(
        "SELECT what, by, at, before, after, words FROM recon_exception_step WHERE exception_id = %s ORDER BY at, id",
        [store.key_of(found.id)],
    )
    steps = [opened, *(StepRecord(what, store.as_json(by), *rest) for what, by, *rest in rows)]
    is_told = any(step.at == found.resolved_at for step in steps[1:])
    if found.resolved_at is not None and not is_told:
        steps.append(StepRecord(found.resolution, found.resolved_by or {}, found.resolved_at, "", "", found.reason))
    return tuple(steps)


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
