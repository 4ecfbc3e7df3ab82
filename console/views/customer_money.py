"""Customers' money of a month: what was owed at the cut-off of each day, and what was there for it."""

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.presenters.customer_money import difference_chart, money_sheet
from console.presenters.words import grouped
from console.readings.closeout import ROOM, crumbs, period_of, period_url
from console.sheet_files import file_links, sheet_file, wanted
from console.shell import build_shell
from console.types import Chip
from console.types.finance import FinancePage
from console.types.ledger import Figure
from zentra.reconciliation.closeout.money_types import MoneyProofRecord
from zentra.reconciliation.closeout.queries import list_money_proofs
from zentra.reconciliation.closeout.types import PeriodRecord
from zentra.tenants.permissions import Permission


@room(Permission.RECONCILIATION_READ)
def show_customer_money(visit: Visit, month: str) -> HttpResponse:
    """Every day and currency of a period; with ``?as=csv`` or ``?as=xlsx`` the same as a file."""
    period = period_of(month)
    proofs = list_money_proofs(first=period.starts_on, last=period.ends_on)
    currencies = sorted({each.currency for each in proofs})
    chosen = next((each for each in currencies if each == asked(visit, "currency")), None)
    shown = [each for each in proofs if chosen in (None, each.currency)]
    if kind := wanted(visit):
        return sheet_file(money_sheet(shown), f"customer-money-{period.month}", kind)
    here = f"{period_url(visit, period)}customer-money/"
    drawn = chosen or (currencies[0] if currencies else "")
    page = FinancePage(
        heading=f"Customers' money · {period.name}",
        words="At each day's cut-off: what is owed to customers, and what banks and rails hold for it.",
        crumbs=crumbs(visit, (period.name, period_url(visit, period))),
        filters=(
            Chip("All currencies", here, chosen is None),
            *(Chip(each, paging.link(here, currency=each), each == chosen) for each in currencies),
        )
        if len(currencies) > 1
        else (),
        links=file_links(here, currency=chosen),
        figures=_figures(period, shown),
        chart=difference_chart([each for each in proofs if each.currency == drawn], currency=drawn) if drawn else None,
        sheets=(money_sheet(shown),),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout-money"}
    return render(visit.request, "console/finance/page.html", context)


def _figures(period: PeriodRecord, shown: list[MoneyProofRecord]) -> tuple[Figure, ...]:
    days = len({each.business_day for each in shown})
    missing = sum(each.is_short for each in shown)
    apart = sum(bool(each.bank_difference_minor) for each in shown)
    return (
        Figure("days proven", f"{days}", note=f"of {(period.ends_on - period.starts_on).days + 1}"),
        Figure("short", grouped(missing), note="money of customers is missing"),
        Figure("banks differ", grouped(apart), note="their statement says something else"),
    )
