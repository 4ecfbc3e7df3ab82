"""The trial balance of a period: opening, movement, closing, beside the period before."""

from console.doors import Visit
from console.presenters.closeout import flux_sheet, money_reckoning, roll_sheet
from console.readings.closeout import period_url
from console.types import Chip
from console.types.finance import CloseoutTab, Sheet
from zentra.reconciliation.closeout.queries import customer_money, flux, roll_forward
from zentra.reconciliation.closeout.types import PeriodRecord


def show(visit: Visit, period: PeriodRecord) -> CloseoutTab:
    """Customer money, the trial balance of each currency, and what moved."""
    here = period_url(visit, period)
    at = min(period.ends_at, visit.now)
    return CloseoutTab(
        reckonings=tuple(money_reckoning(each) for each in customer_money(at=at) if each.held_minor or each.owed_minor),
        sheets=(*roll_sheets(visit, period), flux_sheet(flux(period_id=period.id))),
        links=(
            Chip("Trial CSV", f"{here}trial-balance.csv", True, key="e"),
            Chip("Trial XLSX", f"{here}trial-balance.xlsx", True),
            Chip("Journal CSV", f"{here}journal.csv", True),
            Chip("Journal XLSX", f"{here}journal.xlsx", True),
        ),
    )


def roll_sheets(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    """The trial balance of each currency in which anything is or moved; of all when nothing did."""
    rolls = roll_forward(period_id=period.id)
    there = [
        roll
        for roll in rolls
        if any(row.opening_minor or row.debits_minor or row.credits_minor or row.closing_minor for row in roll.rows)
    ]
    return tuple(roll_sheet(each, visit.base) for each in there or rolls)
