"""Imports of statements: how far they are, and what was wrong in them."""

from datetime import datetime

from django.db.models import Q

from zentra.core import ids
from zentra.reconciliation.statements.errors import ImportNotFound
from zentra.reconciliation.statements.models import ImportProblem, StatementImport
from zentra.reconciliation.statements.records import import_record
from zentra.reconciliation.statements.types import ImportProblemRecord, ImportRecord


def get_import(*, import_id: str) -> ImportRecord:
    """An import and how far it is; raises ImportNotFound, BadId."""
    ids.to_uuid(import_id, prefix="sti")
    row = StatementImport.objects.filter(id=import_id).first()
    if row is None:
        raise ImportNotFound(f"There is no import {import_id}.", import_id=import_id)
    return import_record(row)


def list_imports(
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
    account_id: str | None = None,
    state: str | None = None,
    form: str | None = None,
) -> list[ImportRecord]:
    """Imports, newest first; of a state or format if said. ``before`` is (created_at, id) of the last one seen."""
    rows = StatementImport.objects.order_by("-created_at", "-id")
    if state is not None:
        rows = rows.filter(state=state)
    if form is not None:
        rows = rows.filter(format=form)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    if before is not None:
        moment, last = before
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=last))
    return [import_record(row) for row in rows[:limit]]


def list_problems(*, import_id: str, limit: int, after: int = 0) -> list[ImportProblemRecord]:
    """The problems of an import in the order of the file, those after number ``after``; raises ImportNotFound."""
    get_import(import_id=import_id)
    rows = ImportProblem.objects.filter(import_id=import_id, number__gt=after).order_by("number")
    return [
        ImportProblemRecord(row.number, row.place, row.code, row.detail, row.extra, row.is_warning)
        for row in rows[:limit]
    ]
