"""The trial balance of a period: opening, movement, closing, beside the period before."""

from collections.abc import Sequence
from dataclasses import replace

from console.doors import Visit
from console.presenters.closeout import flux_sheet, money_reckoning, roll_sheet
from console.presenters.words import grouped
from console.readings.closeout import period_url
from console.types import Chip
from console.types.finance import CloseoutTab, Sheet
from zentra.reconciliation.closeout.queries import customer_money, customer_money_of, flux_of, roll_forward
from zentra.reconciliation.closeout.types import PeriodRecord, RollForward


def show(visit: Visit, period: PeriodRecord) -> CloseoutTab:
    """Customer money, the trial balance of each currency, and what moved."""
    here, books = period_url(visit, period), roll_forward(period_id=period.id)
    money = (
        customer_money_of(books=books, at=period.ends_at)
        if period.ends_at <= visit.now
        else customer_money(at=visit.now)
    )
    return CloseoutTab(
        reckonings=tuple(money_reckoning(each) for each in money if each.held_minor or each.owed_minor),
        sheets=(*_sheets(visit, books), flux_sheet(flux_of(period_id=period.id, books=books))),
        links=(
            Chip("Trial CSV", f"{here}trial-balance.csv", True, key="e"),
            Chip("Trial XLSX", f"{here}trial-balance.xlsx", True),
            Chip("Journal CSV", f"{here}journal.csv", True),
            Chip("Journal XLSX", f"{here}journal.xlsx", True),
        ),
    )


def roll_sheets(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    """The trial balance of each currency in which anything is or moved; of all when nothing did."""
    return _sheets(visit, roll_forward(period_id=period.id))


def _sheets(visit: Visit, books: Sequence[RollForward]) -> tuple[Sheet, ...]:
    there = [replace(book, rows=tuple(row for row in book.rows if row.has_amounts)) for book in books]
    left_out = {book.currency: len(book.rows) - len(kept.rows) for book, kept in zip(books, there, strict=True)}
    shown = [book for book in there if book.rows] or there
    return tuple(_sheet(roll_sheet(book, visit.base), left_out[book.currency]) for book in shown)


def _sheet(found: Sheet, left_out: int) -> Sheet:
    """The table, saying how many accounts it leaves out because nothing is or was on them."""
    if not left_out:
        return found
    accounts = "account" if left_out == 1 else "accounts"
    return replace(found, label=f"{found.label} · {grouped(left_out)} {accounts} without amounts left out")
