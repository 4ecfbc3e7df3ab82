"""Statements of an account: a period's opening balance, entries and closing balance, as page, CSV and PDF."""

import tempfile
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked, day, read_end, read_moment
from console.doors import Visit, room
from console.downloads import send_file, still_may
from console.marks import mark
from console.presenters.words import NONE, dated, grouped, step
from console.readings.ledger import account_of
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Figure, StatementRow, StatementView
from ledger.queries import Statement, StatementLine, statement
from ledger.statements import MAX_PDF_LINES, render_statement_csv, render_statement_pdf
from ledger.types import AccountRecord
from zentra.core.clock import iso
from zentra.core.money import format_minor
from zentra.tenants.permissions import Permission

PAGE: Final = 100
_DAY: Final = timedelta(days=1)
Period = tuple[datetime, datetime]


@room(Permission.LEDGER_READ)
def show_statement(visit: Visit, account_id: str) -> HttpResponse:
    """A page of a statement."""
    record = account_of(account_id)
    start, end = _period(visit)
    after = paging.decode(asked(visit, "after"))
    found = statement(account_id=record.id, start=start, end=end, limit=PAGE, after=after)
    page = _view(visit, record, found, start, end, is_first=after is None)
    return render(visit.request, "console/statement.html", {"shell": build_shell(visit, room="accounts"), "page": page})


@room(Permission.LEDGER_READ)
def download_csv(visit: Visit, account_id: str) -> HttpResponseBase:
    """The whole statement as CSV, however long."""
    record = account_of(account_id)
    start, end = _period(visit)
    # Written to disk within this transaction, so that neither its length nor a slow reader matters.
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it is sent
    for piece in render_statement_csv(account_id=record.id, start=start, end=end):
        file.write(piece)
    file.seek(0)
    return send_file(
        visit.request,
        file,
        name=_file_name(record, start, end, "csv"),
        kind="text/csv; charset=utf-8",
        still=still_may(visit, Permission.LEDGER_READ),
    )


@room(Permission.LEDGER_READ)
def download_pdf(visit: Visit, account_id: str) -> HttpResponseBase:
    """The statement as PDF."""
    record = account_of(account_id)
    start, end = _period(visit)
    content = render_statement_pdf(
        account_id=record.id, start=start, end=end, workspace_name=visit.member.workspace_name, now=visit.now
    )
    return _attached(content, _file_name(record, start, end, "pdf"), "application/pdf")


def _period(visit: Visit) -> Period:
    """The period that is asked for; this month so far when none is, or none that can be read."""
    month = visit.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = read_moment(asked(visit, "start")) or month
    end = read_end(asked(visit, "end")) or visit.now.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    return start, end


def _presets(visit: Visit, here: str, current: Period) -> tuple[Chip, ...]:
    today = visit.now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    before = (month - _DAY).replace(day=1)
    periods = (
        ("Today", today, today + _DAY),
        ("7 days", today - 6 * _DAY, today + _DAY),
        ("This month", month, today + _DAY),
        ("Last month", before, month),
        ("This year", today.replace(month=1, day=1), today + _DAY),
    )
    return tuple(
        Chip(title, paging.link(here, start=day(start), end=day(end - _DAY)), (start, end) == current)
        for title, start, end in periods
    )


def _view(
    visit: Visit, record: AccountRecord, found: Statement, start: datetime, end: datetime, *, is_first: bool
) -> StatementView:
    account = f"{visit.base}accounts/{record.id}/"
    here = f"{account}statement/"
    period = {"start": day(start), "end": day(end - timedelta(microseconds=1))}
    too_long = found.entry_count > MAX_PDF_LINES
    following = paging.encode(found.next_after) if found.next_after else ""
    return StatementView(
        account_id=record.id,
        code=record.code,
        name=record.name if record.name != record.code else "",
        currency=record.currency,
        account_url=account,
        words=f"{start:%d %b %Y} to {end - timedelta(microseconds=1):%d %b %Y} UTC, by effective time",
        presets=_presets(visit, here, (start, end)),
        start=period["start"],
        end=period["end"],
        figures=_figures(found),
        tied=mark("sound", says="ties out") if found.is_tied_out else mark("diverged", says="does not tie out"),
        rows=tuple(_row(line, visit.base) for line in found.entries),
        opening=grouped(found.opening_minor),
        closing=grouped(found.closing_minor) if not following else "",
        is_first=is_first,
        csv_url=paging.link(f"{account}statement.csv", **period),
        pdf_url="" if too_long else paging.link(f"{account}statement.pdf", **period),
        pdf_note=f"A PDF holds {grouped(MAX_PDF_LINES)} entries; take the CSV." if too_long else "",
        next_url=paging.link(here, **period, after=following) if following else "",
        first_url="" if is_first else paging.link(here, **period),
    )


def _figures(found: Statement) -> tuple[Figure, ...]:
    amounts = (
        ("opening", found.opening_minor, f"{found.normal_balance} balance"),
        ("debits", found.debits, ""),
        ("credits", found.credits, ""),
        ("closing", found.closing_minor, f"{grouped(found.entry_count)} entries"),
        ("pending out", -found.pending_out_minor, "at the end, in no line"),
    )
    return tuple(
        Figure(label, grouped(amount), f"{format_minor(amount, found.currency)} {found.currency}", note)
        for label, amount, note in amounts
    )


def _row(line: StatementLine, base: str) -> StatementRow:
    return StatementRow(
        effective=dated(line.effective_at),
        effective_iso=iso(line.effective_at),
        purpose=step(line.purpose),
        words=" · ".join(said for said in (line.description, line.external_reference, line.intent_id) if said) or NONE,
        posting_id=line.posting_id,
        url=f"{base}ledger/postings/{line.posting_id}/",
        debit="" if line.debit_minor is None else grouped(line.debit_minor),
        credit="" if line.credit_minor is None else grouped(line.credit_minor),
        balance=grouped(line.balance_after_minor),
    )


def _file_name(record: AccountRecord, start: datetime, end: datetime, ending: str) -> str:
    code = "".join(char if char.isalnum() or char in "-_" else "-" for char in record.code)
    return f"statement-{code}-{record.currency}-{day(start)}-{day(end - timedelta(microseconds=1))}.{ending}"


def _attached(content: bytes, name: str, kind: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )
