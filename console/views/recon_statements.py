"""One statement as it was sent, line by line, and how it follows the one before; as CSV too."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.downloads import send_file, spooled, still_may
from console.kept import Refused, again
from console.marks import mark
from console.presenters.finance import amount, columns, day, facts, row, sheet
from console.presenters.words import NONE, grouped
from console.readings.recon import ROOM, account_url, account_words, crumbs, home
from console.readings.recon_sheets import continuity, matches_sheet
from console.readings.settlements import settled
from console.shell import build_shell
from console.types import Chip
from console.types.finance import Cell, Fact, Facts, FinancePage, Sheet
from console.types.ledger import Figure
from zentra.core.money import format_minor
from zentra.reconciliation.statements.queries import get_reconciled_account, get_statement, list_lines
from zentra.reconciliation.statements.types import LineFilter, LineRecord, StatementRecord
from zentra.tenants.permissions import Permission

LINES: Final = 100
_ONLY: Final[tuple[tuple[LineFilter, str], ...]] = (("all", "All lines"), ("open", "Open"), ("matched", "Matched"))
_HEAD: Final = (
    "number",
    "booked_on",
    "value_on",
    "amount_minor",
    "currency",
    "kind",
    "reference",
    "batch",
    "gross_minor",
    "fee_minor",
    "counterparty",
    "description",
    "is_reversal",
    "is_open",
    "line_id",
)


@room(Permission.RECONCILIATION_READ)
def show_statement(visit: Visit, statement_id: str) -> HttpResponse:
    """A statement: balances, checks, lines."""
    return statement_page(visit, None, statement_id)


def statement_page(visit: Visit, refused: Refused | None, statement_id: str) -> HttpResponse:
    """The page of a statement; of a rail's report with what became of its payout."""
    statement = get_statement(statement_id=statement_id)
    account = get_reconciled_account(account_id=statement.account_id)
    here, after = f"{home(visit)}statements/{statement_id}/", asked(visit, "after")
    only: LineFilter = next((key for key, _ in _ONLY if key == asked(visit, "only")), "all")
    found = list_lines(statement_id=statement_id, limit=LINES + 1, after=read_place(after) or 0, only=only)
    shown, narrowed = found[:LINES], "" if only == "all" else only
    following = paging.link(here, only=narrowed, after=shown[-1].number) if len(found) > LINES else ""
    first = paging.link(here, only=narrowed) if after else ""
    payout = settled(visit, statement_id)
    page = FinancePage(
        heading=statement.external_id,
        words=f"{account.name} · {statement.starts_on:%d %b %Y} to {statement.ends_on:%d %b %Y} · {statement.format}",
        mark=continuity(statement.continuity),
        crumbs=crumbs(visit, (account.name, account_url(visit, account.id))),
        figures=_figures(statement),
        filters=tuple(
            Chip(title, paging.link(here, only="" if key == "all" else key), key == only) for key, title in _ONLY
        ),
        links=(Chip("CSV", f"{home(visit)}statements/{statement_id}/lines.csv", True, key="e"),),
        sheets=(_lines_sheet(visit, shown, following, first),),
        note=payout.note,
        acts=payout.acts,
        facts=(
            *payout.facts,
            Facts(
                "Statement",
                facts(
                    Fact("account", account_words(account), url=account_url(visit, account.id)),
                    ("sender's name", statement.external_id),
                    ("sequence", str(statement.sequence) if statement.sequence is not None else NONE),
                    ("money in", grouped(statement.credits_minor)),
                    ("money out", grouped(-statement.debits_minor)),
                    Fact("opening + lines", _ties(statement), css="tone t-synchronized"),
                    Fact("before it", "the statement", url=f"{home(visit)}statements/{statement.previous_id}/")
                    if statement.previous_id
                    else Fact("before it", NONE),
                    ("break", grouped(statement.break_minor) if statement.break_minor else ""),
                    Fact("import", f"…{statement.import_id[-8:]}", url=f"{home(visit)}imports/{statement.import_id}/"),
                    Fact("id", statement.id, copy=statement.id),
                ),
            ),
        ),
    )
    page = again(page, refused, at=here)
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-statement"}
    return render(visit.request, "console/finance/page.html", context)


def _ties(statement: StatementRecord) -> str:
    """What the import checked: opening and lines are the closing."""
    if statement.opening_minor is None or statement.closing_minor is None:
        return "the file says no balances"
    total = statement.opening_minor + statement.credits_minor - statement.debits_minor
    return f"{grouped(total)}, as its closing says" if total == statement.closing_minor else f"{grouped(total)} differs"


def _figures(statement: StatementRecord) -> tuple[Figure, ...]:
    def balance(label: str, minor: int | None) -> Figure:
        major = "" if minor is None else f"{format_minor(minor, statement.currency)} {statement.currency}"
        return Figure(label, NONE if minor is None else grouped(minor), major)

    return (
        balance("opening", statement.opening_minor),
        balance("in", statement.credits_minor),
        balance("out", -statement.debits_minor),
        balance("closing", statement.closing_minor),
        Figure("lines", grouped(statement.lines)),
    )


def _lines_sheet(visit: Visit, lines: list[LineRecord], following: str, first: str) -> Sheet:
    return sheet(
        "Lines in the order of the statement",
        columns("No.|r fit", "Booked", "Reference", "Text|opt", "Kind|opt", "Amount|r", "State"),
        (
            row(
                each.id,
                Cell(grouped(each.number), css="num quiet"),
                day(each.booked_on),
                Cell(_reference(each), url=f"{home(visit)}lines/{each.id}/"),
                Cell(each.description or each.counterparty or NONE, css="quiet", title=each.description),
                Cell(each.kind or NONE, css="quiet", note="reversal" if each.is_reversal else ""),
                amount(each.amount_minor, each.currency),
                Cell(mark=mark("unmatched", says="open") if each.is_open else mark("matched")),
            )
            for each in lines
        ),
        empty_title="No such line",
        empty_words="Every line of this statement is in another of these lists.",
        next_url=following,
        first_url=first,
    )


def _reference(line: LineRecord) -> str:
    return line.reference or line.batch or f"line {line.number}"


@room(Permission.RECONCILIATION_READ)
def download(visit: Visit, statement_id: str) -> HttpResponseBase:
    """All lines of a statement as CSV."""
    statement = get_statement(statement_id=statement_id)
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in statement.external_id)[:80]
    file = spooled(_csv(statement_id))  # read within this transaction, sent after it
    still = still_may(visit, Permission.RECONCILIATION_READ)
    kind = "text/csv; charset=utf-8"
    return send_file(visit.request, file, name=f"statement-{name}.csv", kind=kind, still=still)


def _csv(statement_id: str) -> Iterator[bytes]:
    after = 0
    yield ",".join(_HEAD).encode() + b"\r\n"
    while lines := list_lines(statement_id=statement_id, limit=2000, after=after):
        text = io.StringIO()
        csv.writer(text).writerows(
            [
                safe_text(value)
                for value in (
                    each.number,
                    each.booked_on,
                    each.value_on,
                    each.amount_minor,
                    each.currency,
                    each.kind,
                    each.reference,
                    each.batch,
                    each.gross_minor,
                    each.fee_minor,
                    each.counterparty,
                    each.description,
                    each.is_reversal,
                    each.is_open,
                    each.id,
                )
            ]
            for each in lines
        )
        yield text.getvalue().encode()
        after = lines[-1].number


def safe_text(value: object) -> str:
    """A value of a CSV that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text else text


@room(Permission.RECONCILIATION_READ)
def show_line(visit: Visit, line_id: str) -> HttpResponse:
    """One line with everything that its sender said, and what it was ever matched with."""
    from zentra.reconciliation.matching.queries import matches_of
    from zentra.reconciliation.statements.queries import get_line

    line = get_line(line_id=line_id)
    statement = get_statement(statement_id=line.statement_id)
    account = get_reconciled_account(account_id=line.account_id)
    bench = f"{account_url(visit, account.id)}workbench/"
    page = FinancePage(
        heading=_reference(line),
        words=f"line {line.number} of {statement.external_id}",
        mark=mark("unmatched", says="open") if line.is_open else mark("matched"),
        crumbs=crumbs(
            visit,
            (account.name, account_url(visit, account.id)),
            (statement.external_id, f"{home(visit)}statements/{statement.id}/"),
        ),
        figures=(
            Figure(
                "amount",
                grouped(line.amount_minor),
                f"{format_minor(line.amount_minor, line.currency)} {line.currency}",
            ),
            *((Figure("gross", grouped(line.gross_minor)),) if line.gross_minor is not None else ()),
            *((Figure("fee", grouped(line.fee_minor)),) if line.fee_minor is not None else ()),
            Figure("booked", f"{line.booked_on:%Y-%m-%d}", note=f"value {line.value_on:%Y-%m-%d}"),
        ),
        links=(Chip("Find its entry", f"{bench}?line={line.id}&for={line.id}"),) if line.is_open else (),
        sheets=(matches_sheet(visit, matches_of(line_id=line.id), title="Matches"),),
        facts=(
            Facts(
                "As it was sent",
                facts(
                    ("text", line.description),
                    ("counterparty", line.counterparty),
                    ("kind", line.kind),
                    ("reversal", "yes" if line.is_reversal else ""),
                    ("batch", line.batch),
                    *((name.replace("_", " "), str(value)) for name, value in line.references.items() if value),
                    Fact("fingerprint", line.fingerprint, copy=line.fingerprint),
                    Fact("id", line.id, copy=line.id),
                ),
            ),
        ),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-line"}
    return render(visit.request, "console/finance/page.html", context)
