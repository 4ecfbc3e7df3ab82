"""Statements and their lines. Only complete ones are seen: one that is being imported is nobody's business yet."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from zentra.core import ids
from zentra.reconciliation.statements.errors import LineNotFound, StatementNotFound
from zentra.reconciliation.statements.models import Line, ReconciledAccount, Statement
from zentra.reconciliation.statements.records import line_record, statement_record
from zentra.reconciliation.statements.types import LineFilter, LineRecord, StatementRecord

# Whether a line is open is a row of matching's; the three apps of reconciliation read each other's tables.
_IS_OPEN: Final = "EXISTS (SELECT 1 FROM recon_open_line o WHERE o.line_id = recon_line.id)"


def list_statements(
    *,
    account_id: str | None = None,
    month: date | None = None,
    limit: int = 400,
    before: tuple[date, str] | None = None,
    continuity: str | None = None,
) -> list[StatementRecord]:
    """Complete statements, latest first; of ``month`` (any day of it) those that end in it, of ``continuity`` those so.

    ``before`` is (ends_on, id) of the last one seen. Raises BadId.
    """
    rows = Statement.objects.filter(is_complete=True).order_by("-ends_on", "-id")
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    if month is not None:
        first = month.replace(day=1)
        rows = rows.filter(ends_on__gte=first, ends_on__lt=_next_month(first))
    if continuity is not None:
        rows = rows.filter(continuity=continuity)
    if before is not None:
        day, last = before
        rows = rows.filter(ends_on__lte=day).exclude(ends_on=day, id__gte=last)
    return [statement_record(row) for row in rows[:limit]]


def get_statement(*, statement_id: str) -> StatementRecord:
    """A complete statement; raises StatementNotFound, BadId."""
    ids.to_uuid(statement_id, prefix="stm")
    row = Statement.objects.filter(id=statement_id, is_complete=True).first()
    if row is None:
        raise StatementNotFound(f"There is no statement {statement_id}.", statement_id=statement_id)
    return statement_record(row)


def latest_statements(*, account_ids: Sequence[str]) -> dict[str, StatementRecord]:
    """The last complete statement of each of the accounts by account, in one statement; none for one without any."""
    own = Statement.objects.filter(account_id=OuterRef("id"), is_complete=True)
    last = own.order_by("-ends_on", "-sequence", "-id").values("id")[:1]
    accounts = ReconciledAccount.objects.filter(id__in=account_ids).annotate(last=Subquery(last))
    rows = Statement.objects.filter(id__in=accounts.values("last"))
    return {row.account_id: statement_record(row) for row in rows}


def list_lines(*, statement_id: str, limit: int, after: int = 0, only: LineFilter = "all") -> list[LineRecord]:
    """Lines of a statement in its order, those after number ``after``; raises StatementNotFound, BadId."""
    get_statement(statement_id=statement_id)
    rows = Line.objects.filter(statement_id=statement_id, number__gt=after).order_by("number")
    if only != "all":
        rows = rows.extra(where=[_IS_OPEN if only == "open" else f"NOT {_IS_OPEN}"])  # noqa: S610  # a constant of this module
    return _records(rows[:limit])


def get_line(*, line_id: str) -> LineRecord:
    """A line of a complete statement; raises LineNotFound, BadId."""
    found = get_lines(line_ids=[line_id])
    if not found:
        raise LineNotFound(f"There is no line {line_id}.", line_id=line_id)
    return found[0]


def get_lines(*, line_ids: Sequence[str]) -> list[LineRecord]:
    """Those of the lines that there are, in the order of ``line_ids``; raises BadId."""
    for line_id in line_ids:
        ids.to_uuid(line_id, prefix="lin")
    complete = Statement.objects.filter(is_complete=True).values("id")
    found = {one.id: one for one in _records(Line.objects.filter(id__in=line_ids, statement_id__in=complete))}
    return [found[line_id] for line_id in line_ids if line_id in found]


def _records(rows: QuerySet[Line]) -> list[LineRecord]:
    lines = list(rows)
    held = [ids.to_uuid(row.id, prefix="lin") for row in lines]
    with connection.cursor() as cursor:
        cursor.execute("SELECT line_id FROM recon_open_line WHERE line_id = ANY(%s::uuid[])", [held])
        still_open = {ids.to_public("lin", line_id) for (line_id,) in cursor.fetchall()}
    return [line_record(row, is_open=row.id in still_open) for row in lines]


def _next_month(first: date) -> date:
    return first.replace(year=first.year + 1, month=1) if first.month == 12 else first.replace(month=first.month + 1)
