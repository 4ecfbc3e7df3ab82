"""The books of a period for others: accounts of the general ledger, the journal, the trial balance."""

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.doors import Visit, room
from console.downloads import attached, send_file, spooled, still_may
from console.forms import words
from console.kept import Refused, again, keeping
from console.presenters.finance import facts
from console.presenters.words import NONE
from console.readings.closeout import ROOM, act_on_period, crumbs, period_of, period_url
from console.shell import build_shell
from console.types.finance import Act, Ask, Facts, FinancePage
from zentra.reconciliation.closeout import exports
from zentra.reconciliation.closeout import operations as closing
from zentra.reconciliation.closeout.errors import TieOutNotFound
from zentra.reconciliation.closeout.queries import list_gl_accounts
from zentra.tenants.permissions import Permission

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"


@room(Permission.RECONCILIATION_READ)
def show_gl_account(visit: Visit, month: str, account_id: str) -> HttpResponse:
    """How a ledger account is called in the general ledger."""
    return _gl_page(visit, None, month, account_id)


def _gl_page(visit: Visit, refused: Refused | None, month: str, account_id: str) -> HttpResponse:
    period = period_of(month)
    found = next((each for each in list_gl_accounts() if each.ledger_account_id == account_id), None)
    if found is None:
        raise TieOutNotFound(f"There is no ledger account {account_id[:40]}.")
    here = f"{period_url(visit, period)}gl/{account_id}/"
    may = visit.may(Permission.CLOSEOUT_PREPARE)
    page = FinancePage(
        heading=found.ledger_account_code,
        words=f"{found.currency} · in the general ledger",
        crumbs=crumbs(visit, (period.name, f"{period_url(visit, period)}?tab=packet")),
        facts=(Facts("General ledger", facts(("code", found.gl_code or NONE), ("name", found.gl_name or NONE))),),
        acts=(
            Act(
                "gl",
                "Map…",
                f"{here}save/",
                verb="Save",
                is_primary=True,
                asks=(
                    Ask("gl_code", "Code", found.gl_code, maximum=40),
                    Ask("gl_name", "Name", found.gl_name, maximum=200),
                ),
            ),
        )
        if may
        else (),
    )
    page = again(page, refused, at=here)
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "closeout-gl"}
    return render(visit.request, "console/finance/page.html", context)


@room(Permission.CLOSEOUT_PREPARE, in_transaction=False)
@keeping(_gl_page, act="gl")
def save_gl_account(visit: Visit, month: str, account_id: str) -> HttpResponseBase:
    """Map a ledger account."""
    period = period_of(month)

    def effect() -> str:
        closing.save_gl_account(
            ledger_account_id=account_id,
            gl_code=words(visit, "gl_code"),
            gl_name=words(visit, "gl_name"),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The account is mapped."

    return act_on_period(visit, "gl", f"{period_url(visit, period)}?tab=packet", effect)


@room(Permission.LEDGER_EXPORT)
def journal_csv(visit: Visit, month: str) -> HttpResponseBase:
    """The journal of the period, by general-ledger accounts, however long it is."""
    period = period_of(month)
    file = spooled(exports.journal_csv(period_id=period.id))  # read within this transaction, sent after it
    still = still_may(visit, Permission.LEDGER_EXPORT)
    return send_file(visit.request, file, name=f"journal-{period.month}.csv", kind=CSV, still=still)


@room(Permission.LEDGER_EXPORT)
def journal_xlsx(visit: Visit, month: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """The same as a spreadsheet."""
    period = period_of(month)
    return attached(exports.journal_xlsx(period_id=period.id), f"journal-{period.month}.xlsx", XLSX)


@room(Permission.RECONCILIATION_READ)
def trial_csv(visit: Visit, month: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """The trial balance with its roll-forward."""
    period = period_of(month)
    return attached(exports.trial_balance_csv(period_id=period.id), f"trial-balance-{period.month}.csv", CSV)


@room(Permission.RECONCILIATION_READ)
def trial_xlsx(visit: Visit, month: str) -> HttpResponse:  # noqa: ARG001  # every view has its visit
    """The same as a spreadsheet."""
    period = period_of(month)
    return attached(exports.trial_balance_xlsx(period_id=period.id), f"trial-balance-{period.month}.xlsx", XLSX)
